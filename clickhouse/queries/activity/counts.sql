-- How many events of each day are stored, by site: the rows of `activity` that count them.
SELECT
    toString(site_id) AS site_id,
    {since:Date} AS quarter,
    toUInt8(toDate(ts) - quarter + 1) AS day,
    toInt64(count()) AS events,
    now64(6, 'UTC') AS stored_at
FROM events
WHERE toDate(ts) >= {since:Date} AND toDate(ts) < {until:Date} AND (empty({site:String}) OR events.site_id = {site:String})
GROUP BY events.site_id, toDate(ts)
