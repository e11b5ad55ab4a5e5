-- The first minute of which there is anything of some sites.
SELECT toString(site_id) AS site, intDiv(toUnixTimestamp(min(metrics_minute.minute)), 60) AS first
FROM metrics_minute
WHERE site_id IN {sites:Array(String)}
GROUP BY site_id
