-- Up to which places the rollup's partials are applied, by month: the row of the empty site.
SELECT toYYYYMM(minute) AS month, maxMap(_applied) AS applied
FROM metrics_minute
WHERE site_id = ''
GROUP BY month
