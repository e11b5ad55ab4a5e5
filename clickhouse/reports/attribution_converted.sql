-- Who converted: of nobody else the sessions are looked at.
SELECT $who
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({goals_start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
    AND event = {goal:String}
    AND $filtered
