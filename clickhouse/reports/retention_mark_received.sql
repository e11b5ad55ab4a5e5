(
    SELECT toUnixTimestamp64Milli(max(received_at))
    FROM events
    WHERE site_id = {site:String}
        AND toDate(ts) = toDate(fromUnixTimestamp64Milli({end:Int64}, 'UTC'))
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
