(
    SELECT *
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
