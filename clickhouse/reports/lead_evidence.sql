-- What speaks for or against whoever sent a lead: what they did on the day before it. Where the lead names no session or
-- visitor, its event tells whom the stream took them for.
SELECT
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
        ({session:String} != '' AND session_id = {session:String})
        OR ({who:String} != '' AND visitor_id = {who:String})
    )
