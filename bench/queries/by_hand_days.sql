-- How many users there were on each day.
SELECT
    toStartOfDay(ts) AS day,
    uniqExact(if(user_id = '', sipHash64('v', visitor_id), sipHash64('u', user_id))) AS users
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
GROUP BY day
ORDER BY day
