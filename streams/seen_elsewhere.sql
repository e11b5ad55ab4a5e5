-- Ids of events that came from another log than this one and were received within a span of time.
SELECT site_id, toString(event_id) AS event_id
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64})
    AND received_at < fromUnixTimestamp64Milli({until:Int64})
    AND _log != {log:String}
