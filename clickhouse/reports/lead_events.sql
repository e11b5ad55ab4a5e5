-- The events of a session, or of a visitor where no session is known, around a moment: in their order, after the place (`after`, `id`).
SELECT
    event, event_id, toUnixTimestamp64Milli(ts) AS at, session_id, path, title, risk, risk_band, risk_vpn
FROM events
WHERE site_id = {site:String}
    AND ts BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
    AND if({session:String} != '', session_id = {session:String}, visitor_id = {visitor:String})
    AND ({event:String} = '' OR event = {event:String})
    AND (ts, event_id) > (fromUnixTimestamp64Milli({after:Int64}), {id:UUID})
ORDER BY ts ASC, event_id ASC
LIMIT 1 BY event_id
LIMIT {limit:UInt32}
