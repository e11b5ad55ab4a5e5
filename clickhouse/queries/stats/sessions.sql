-- Distinct sessions by one dimension: the client's own where it names one, else a visitor's events with at most
-- 30 minutes between them. Sessions are told from all events of the range; then those that match are counted.
SELECT
    multiIf(
        {group:String} = 'minute', toString(toUnixTimestamp(toStartOfMinute(ts))),
        {group:String} = 'hour', toString(toUnixTimestamp(toStartOfHour(ts, {timezone:String}))),
        {group:String} = 'day', toString(toUnixTimestamp(toStartOfDay(ts, {timezone:String}))),
        {group:String} = 'week', toString(toUnixTimestamp(toDateTime(toStartOfWeek(ts, 1, {timezone:String}), {timezone:String}))),
        {group:String} = 'country', toString(country),
        {group:String} = 'device_type', toString(device_type),
        {group:String} = 'event', toString(event),
        ''
    ) AS key,
    uniqExact(session_id, visitor, visit) AS n
FROM
(
    SELECT ts, event, country, device_type, bot, session_id, '' AS visitor, 0 AS visit
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND session_id != ''
    UNION ALL
    SELECT
        ts, event, country, device_type, bot, '' AS session_id, visitor_id AS visitor,
        sum(begins) OVER (PARTITION BY visitor_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
    FROM
    (
        SELECT
            ts, event, country, device_type, bot, visitor_id,
            dateDiff('millisecond', lagInFrame(ts) OVER (PARTITION BY visitor_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), ts) > 1800000 AS begins
        FROM events
        WHERE site_id = {site:String}
            AND ts >= fromUnixTimestamp64Milli({start:Int64})
            AND ts < fromUnixTimestamp64Milli({end:Int64})
            AND session_id = ''
    )
)
WHERE ({bots:String} != 'exclude' OR NOT bot)
    AND (empty({events:Array(String)}) OR has({events:Array(String)}, event))
    AND (empty({countries:Array(String)}) OR has({countries:Array(String)}, country))
    AND (empty({devices:Array(String)}) OR has({devices:Array(String)}, device_type))
GROUP BY key
