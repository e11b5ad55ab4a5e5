-- When the latest event of a site was received that is stored.
SELECT count() AS events, max(received_at) AS reached
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({begin:Int64})
    AND received_at > fromUnixTimestamp64Milli({since:Int64})
