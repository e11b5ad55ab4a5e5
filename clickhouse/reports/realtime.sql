-- The latest events: of all, by minute, and by page, event and country of those visitors who are active.
SELECT
    multiIf(grouping(minute) = 0, 'minute', grouping(page) = 0, 'page', grouping(name) = 0, 'event', grouping(origin) = 0, 'country', 'all') AS level,
    toInt64(toUnixTimestamp(minute)) AS time,
    multiIf(level = 'page', page, level = 'event', name, level = 'country', origin, '') AS key,
    uniqExactIf(visitor_id, is_active OR level = 'minute') AS visitors,
    countIf(is_active OR level = 'minute') AS events
FROM
(
    SELECT
        visitor_id,
        toStartOfMinute(ts) AS minute,
        CAST(path, 'String') AS page,
        CAST(event, 'String') AS name,
        CAST(country, 'String') AS origin,
        ts >= fromUnixTimestamp64Milli({active:Int64}) AS is_active
    FROM $rows
    WHERE $filtered
)
GROUP BY GROUPING SETS ((minute), (page), (name), (origin), ())
HAVING events > 0
ORDER BY level ASC, visitors DESC, events DESC, key ASC
LIMIT 40 BY level
