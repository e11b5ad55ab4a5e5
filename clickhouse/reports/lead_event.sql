-- A lead's own event: whom the stream took its sender for. Little is read: it is asked again and again until the event is there.
SELECT visitor_id, risk_vpn
FROM events
WHERE site_id = {site:String} AND event = 'lead' AND event_id = {id:UUID}
    AND ts BETWEEN fromUnixTimestamp64Milli({near:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
LIMIT 1
