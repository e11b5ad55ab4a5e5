-- Rows of one event of a site within a span of time, as they were received.
SELECT event, ts, received_at, visitor_id, _log, _partition, _place
FROM events
WHERE site_id = {site:String}
    AND event_id = {id:UUID}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
ORDER BY received_at, _place
LIMIT 100
