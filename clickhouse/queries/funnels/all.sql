-- The saved funnels that are not gone.
SELECT site_id, id, build, fits, bound, print, state
FROM funnel_builds FINAL
WHERE id != '' AND state != 'gone'
ORDER BY site_id, id
