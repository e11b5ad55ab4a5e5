-- Of which builds there are rows.
SELECT site_id, build
FROM funnel_steps
GROUP BY site_id, build
