-- When events of a site were received that are stored: the first after a moment, the last of all, and how many there are of a high risk.
SELECT
    countIf(received_at > fromUnixTimestamp64Milli({mark:Int64})) AS new,
    minIf(received_at, received_at > fromUnixTimestamp64Milli({mark:Int64})) AS next,
    max(received_at) AS reached,
    countIf(risk >= {high:UInt8} AND NOT imported) AS risky
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({begin:Int64})
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
