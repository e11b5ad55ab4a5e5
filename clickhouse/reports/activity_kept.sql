(
    SELECT
        $column AS who,
        arrayJoin(arrayDistinct(arrayMap(
            hour -> toUInt16($of_hour),
            bitPositionsToArray(bitAnd($hours, if(toUInt16(day) = {last:UInt16}, {of_last:UInt32}, 16777215)))
        ))) AS period
    FROM activity_days
    WHERE site_id = {site:String}
        AND day >= toDate(toUInt16(intDiv({since:Int64}, 86400000)))
        AND toUInt16(day) <= {last:UInt16}
        AND (period > 0 OR {since:Int64} = 0)
    UNION ALL
    SELECT $hashed AS who, toUInt16($of_event) AS period
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({whole:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND $passes
)
