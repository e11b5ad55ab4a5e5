-- What speaks for or against whoever sent a lead: what they did on the day before it, and whether its own event is stored.
-- Where the lead names no session or visitor, its event tells whom the stream took them for.
WITH (
    SELECT any(visitor_id)
    FROM events
    WHERE site_id = {site:String} AND event_id = {id:UUID}
        AND ts BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
) AS who
SELECT
    countIf(event_id = {id:UUID}) AS own,
    maxIf(risk_vpn, event_id = {id:UUID}) AS vpn,
    countIf(event != 'lead') AS events,
    if(events = 0, 0, dateDiff('second', minIf(ts, event != 'lead'), maxIf(ts, event != 'lead'))) AS seconds,
    maxIf(JSONExtractFloat(properties, 'scroll_percent'), event != 'lead') AS scrolled,
    greatest(
        uniqExactIf(event_id, event = 'click'),
        toUInt64(greatest(maxIf(JSONExtractInt(properties, 'clicks'), event = 'session_end'), 0))
    ) AS clicks,
    uniqExactIf(session_id, session_id NOT IN ('', {session:String})) AS returns
FROM events
WHERE site_id = {site:String}
    AND ts BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
    AND (
        event_id = {id:UUID}
        OR ({session:String} != '' AND session_id = {session:String})
        OR (who != '' AND visitor_id = who)
    )
