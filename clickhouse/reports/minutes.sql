(
    SELECT minute AS ts, event, country, device_type, currency, events, bots, revenue
    FROM metrics_minute
    WHERE site_id = {site:String}
        AND minute >= fromUnixTimestamp64Milli({start:Int64})
        AND minute < fromUnixTimestamp64Milli({end:Int64})
)
