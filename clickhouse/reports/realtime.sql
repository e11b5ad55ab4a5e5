-- The latest events: of each minute, and of the active minutes of all, and by page, event and country.
SELECT level, time, key, visitors, events
FROM
(
    SELECT
        'minute' AS level,
        toInt64(toUnixTimestamp(toStartOfMinute(ts))) AS time,
        '' AS key,
        uniqExact($visitor) AS visitors,
        count() AS events
    FROM $rows
    WHERE $filtered
    GROUP BY time
    UNION ALL
    SELECT
        multiIf(grouping(page) = 0, 'page', grouping(name) = 0, 'event', grouping(origin) = 0, 'country', 'all') AS level,
        toInt64(0) AS time,
        multiIf(level = 'page', page, level = 'event', name, level = 'country', origin, '') AS key,
        uniqExact(visitor) AS visitors,
        count() AS events
    FROM
    (
        SELECT
            $visitor AS visitor,
            CAST(path, 'String') AS page,
            CAST(event, 'String') AS name,
            CAST(country, 'String') AS origin
        FROM $rows
        WHERE ts >= fromUnixTimestamp64Milli({active:Int64}) AND $filtered
    )
    GROUP BY GROUPING SETS ((page), (name), (origin), ())
)
ORDER BY level ASC, visitors DESC, events DESC, key ASC
LIMIT 40 BY level
