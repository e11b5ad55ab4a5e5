(
    SELECT $who AS who, toUInt16($period) AS period
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({since:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND $passes
)
