-- How many users did something in a time.
SELECT uniqExact(if(user_id = '', sipHash64('v', visitor_id), sipHash64('u', user_id))) AS members
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
    AND event = {event:String}
