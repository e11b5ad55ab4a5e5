-- Measurements of pages: of all, by a field's values, by buckets of time.
SELECT
    level,
    value,
    time,
    count() OVER (PARTITION BY level) AS lines,
    $columns,
    row_number() OVER (PARTITION BY level ORDER BY events DESC, value ASC) AS place
FROM
(
    SELECT
        multiIf(grouping(value) = 0, 'value', grouping(time) = 0, 'time', 'all') AS level,
        value,
        time,
        count() AS events,
        $measured
    FROM
    (
        SELECT $by AS value, $time AS time, $values
        FROM events
        WHERE site_id = {site:String}
            AND event = {name:String}
            AND ts >= fromUnixTimestamp64Milli({start:Int64})
            AND ts < fromUnixTimestamp64Milli({end:Int64})
            AND $filtered
    )
    GROUP BY GROUPING SETS ((value), (time), ())
)
QUALIFY level != 'value' OR place <= {limit:UInt32}
ORDER BY level ASC, place ASC
