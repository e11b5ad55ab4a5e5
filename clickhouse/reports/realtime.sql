-- The latest events: of all, and by minute, page, event and country; and how much of each is of the active minutes.
SELECT
    multiIf(grouping(minute) = 0, 'minute', grouping(page) = 0, 'page', grouping(name) = 0, 'event', grouping(origin) = 0, 'country', 'all') AS level,
    toInt64(toUnixTimestamp(minute)) AS time,
    multiIf(level = 'page', page, level = 'event', name, level = 'country', origin, '') AS key,
    uniqExact(visitor) AS visitors,
    count() AS events,
    uniqExactIf(visitor, is_active) AS active_visitors,
    countIf(is_active) AS active_events
FROM
(
    SELECT
        $visitor AS visitor,
        toStartOfMinute(ts) AS minute,
        CAST(path, 'String') AS page,
        CAST(event, 'String') AS name,
        CAST(country, 'String') AS origin,
        ts >= fromUnixTimestamp64Milli({active:Int64}) AS is_active
    FROM $rows
    WHERE $filtered
)
GROUP BY GROUPING SETS ((minute), (page), (name), (origin), ())
ORDER BY level ASC, active_visitors DESC, active_events DESC, key ASC
LIMIT 40 BY level
