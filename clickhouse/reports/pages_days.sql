(
    SELECT toDateTime64(day, 3, 'UTC') AS ts, event, $path events, bots
    FROM
    (
        SELECT toDate(ts) AS day, event, $path count() AS events, countIf(bot) AS bots
        FROM events
        WHERE site_id = {site:String}
            AND toDate(ts) >= toDate(fromUnixTimestamp64Milli({start:Int64} + 86399999, 'UTC'))
            AND toDate(ts) < toDate(fromUnixTimestamp64Milli({end:Int64}, 'UTC'))
        GROUP BY $path site_id, day, event
    )
    UNION ALL
    SELECT ts, event, $path toUInt64(1) AS events, toUInt64(bot) AS bots
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND
        (
            toDate(ts) < toDate(fromUnixTimestamp64Milli({start:Int64} + 86399999, 'UTC'))
            OR toDate(ts) >= toDate(fromUnixTimestamp64Milli({end:Int64}, 'UTC'))
        )
)
