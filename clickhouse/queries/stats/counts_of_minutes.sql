-- Events and revenue by one dimension, from the minute aggregates; the range is whole minutes.
SELECT if({group:String} IN ('minute', 'hour', 'day', 'week'), toString(at), toString(name)) AS key, n, money, currencies
FROM
(
    SELECT
        multiIf(
            {group:String} = 'minute', toUnixTimestamp(minute),
            {group:String} = 'hour', toUnixTimestamp(toStartOfHour(minute, {timezone:String})),
            {group:String} = 'day', toUnixTimestamp(toStartOfDay(minute, {timezone:String})),
            {group:String} = 'week', toUnixTimestamp(toDateTime(toStartOfWeek(minute, 1, {timezone:String}), {timezone:String})),
            0
        ) AS at,
        multiIf(
            {group:String} = 'country', country,
            {group:String} = 'device_type', device_type,
            {group:String} = 'event', metrics_minute.event,
            ''
        ) AS name,
        sum(events) - if({bots:String} = 'exclude', sum(bots), 0) AS n,
        sum(if({money:UInt8}, revenue, 0)) AS money,
        groupUniqArrayIf(if({money:UInt8}, toString(currency), ''), {money:UInt8} AND revenue != 0) AS currencies
    FROM metrics_minute
    WHERE site_id = {site:String}
        AND minute >= fromUnixTimestamp64Milli({start:Int64})
        AND minute < fromUnixTimestamp64Milli({end:Int64})
        AND (empty({events:Array(String)}) OR has({events:Array(String)}, metrics_minute.event))
        AND (empty({countries:Array(String)}) OR has({countries:Array(String)}, country))
        AND (empty({devices:Array(String)}) OR has({devices:Array(String)}, device_type))
        AND (empty({currency:String}) OR currency = {currency:String})
    GROUP BY at, name
    HAVING n > 0
)
