SELECT groupUniqArray(toString(currency)) AS currencies
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
    AND revenue != 0
    AND $passes
