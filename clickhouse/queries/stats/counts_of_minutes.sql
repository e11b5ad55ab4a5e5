-- Events and revenue by one dimension, from the minute aggregates; the range is whole minutes.
SELECT
    multiIf(
        {group:String} = 'minute', toString(toUnixTimestamp(minute)),
        {group:String} = 'hour', toString(toUnixTimestamp(toStartOfHour(minute, {timezone:String}))),
        {group:String} = 'day', toString(toUnixTimestamp(toStartOfDay(minute, {timezone:String}))),
        {group:String} = 'week', toString(toUnixTimestamp(toDateTime(toStartOfWeek(minute, 1, {timezone:String}), {timezone:String}))),
        {group:String} = 'country', toString(country),
        {group:String} = 'device_type', toString(device_type),
        {group:String} = 'event', toString(metrics_minute.event),
        ''
    ) AS key,
    sum(events) - if({bots:String} = 'exclude', sum(bots), 0) AS n,
    sum(revenue) AS money,
    groupUniqArrayIf(toString(currency), revenue != 0) AS currencies
FROM metrics_minute
WHERE site_id = {site:String}
    AND minute >= fromUnixTimestamp64Milli({start:Int64})
    AND minute < fromUnixTimestamp64Milli({end:Int64})
    AND (empty({events:Array(String)}) OR has({events:Array(String)}, metrics_minute.event))
    AND (empty({countries:Array(String)}) OR has({countries:Array(String)}, country))
    AND (empty({devices:Array(String)}) OR has({devices:Array(String)}, device_type))
    AND (empty({currency:String}) OR currency = {currency:String})
GROUP BY key
HAVING n > 0
