-- The latest events of a site in the order of their arrival, older than the place (`before`, `id`) where one is given.
SELECT
    event, event_id, ts, received_at, visitor_id, user_id, session_id, url, referrer_host, channel,
    country, device_type, browser, os, bot, risk, risk_band, revenue, currency, properties
FROM events
WHERE site_id = {site:String}
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
    AND (received_at, event_id) < (fromUnixTimestamp64Milli({before:Int64}), {id:UUID})
ORDER BY received_at DESC, event_id DESC
LIMIT {limit:UInt32}
