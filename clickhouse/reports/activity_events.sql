SELECT $who AS who, $marks
FROM
(
    SELECT site_id, visitor_id, user_id, toUInt16($period) AS period
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli($since)
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND $passes
)
