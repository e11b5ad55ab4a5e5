(
    SELECT *, sipHash128($who) AS hash
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({begin:Int64})
        AND received_at < fromUnixTimestamp64Milli({until:Int64})
        AND risk >= {high:UInt8}
        AND NOT imported
)
