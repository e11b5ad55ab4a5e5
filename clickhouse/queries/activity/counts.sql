-- How many events of each day of a quarter are stored, by site.
SELECT site_id, toUInt8(toDate(ts) - {since:Date} + 1) AS day, count() AS events
FROM events
WHERE toDate(ts) >= {since:Date} AND toDate(ts) < {until:Date} AND (empty({site:String}) OR site_id = {site:String})
GROUP BY site_id, toDate(ts)
