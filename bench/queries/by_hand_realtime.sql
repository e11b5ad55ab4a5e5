-- Visitors and events of each of the last minutes, and of the last five by page, event and country.
SELECT
    minute,
    page,
    name,
    origin,
    uniqExact(visitor) AS visitors,
    count() AS events,
    uniqExactIf(visitor, is_active) AS active_visitors,
    countIf(is_active) AS active_events
FROM
(
    SELECT
        sipHash64(visitor_id) AS visitor,
        toStartOfMinute(ts) AS minute,
        path AS page,
        event AS name,
        country AS origin,
        ts >= fromUnixTimestamp64Milli({end:Int64} - 300000) AS is_active
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({end:Int64} - 1800000)
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
GROUP BY GROUPING SETS ((minute), (page), (name), (origin), ())
ORDER BY active_visitors DESC
LIMIT 100
