(
    SELECT site_id, event, ts, country, device_type, risk_band, visitor_id AS who
    FROM events
    WHERE site_id IN {sites:Array(String)}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
