-- How many events there are before a moment, and when the last of them was received: another answer once one is added or gone.
SELECT count() AS events, toUnixTimestamp64Milli(max(received_at)) AS received
FROM events
WHERE site_id = {site:String} AND ts < fromUnixTimestamp64Milli({end:Int64})
