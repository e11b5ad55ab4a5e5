-- Distinct users by one dimension: the person where known, else the visitor.
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
    uniqExact($who) AS n
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
    AND ({bots:String} != 'exclude' OR NOT bot)
    AND (empty({events:Array(String)}) OR has({events:Array(String)}, event))
    AND (empty({countries:Array(String)}) OR has({countries:Array(String)}, country))
    AND (empty({devices:Array(String)}) OR has({devices:Array(String)}, device_type))
GROUP BY key
