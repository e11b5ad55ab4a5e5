-- How often rules of a site fired in a period and in the one before it.
SELECT
    at >= fromUnixTimestamp64Milli({middle:Int64}) AS is_now,
    count() AS fired
FROM alert_history FINAL
WHERE site_id = {site:String}
    AND kind IN ('firing', 'no_data')
    AND NOT test
    AND at >= fromUnixTimestamp64Milli({start:Int64})
    AND at < fromUnixTimestamp64Milli({end:Int64})
GROUP BY is_now
