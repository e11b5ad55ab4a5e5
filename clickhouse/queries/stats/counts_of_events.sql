-- Events and revenue by one dimension, from the events themselves.
SELECT if({group:String} IN ('minute', 'hour', 'day', 'week'), toString(at), toString(name)) AS key, n, money, currencies
FROM
(
    SELECT
        multiIf(
            {group:String} = 'minute', toUnixTimestamp(toStartOfMinute(ts)),
            {group:String} = 'hour', toUnixTimestamp(toStartOfHour(ts, {timezone:String})),
            {group:String} = 'day', toUnixTimestamp(toStartOfDay(ts, {timezone:String})),
            {group:String} = 'week', toUnixTimestamp(toDateTime(toStartOfWeek(ts, 1, {timezone:String}), {timezone:String})),
            0
        ) AS at,
        multiIf(
            {group:String} = 'country', country,
            {group:String} = 'device_type', device_type,
            {group:String} = 'event', event,
            ''
        ) AS name,
        count() AS n,
        sum(if({money:UInt8}, revenue, 0)) AS money,
        groupUniqArrayIf(if({money:UInt8}, toString(currency), ''), {money:UInt8} AND revenue != 0) AS currencies
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND ({bots:String} != 'exclude' OR NOT bot)
        AND (empty({events:Array(String)}) OR has({events:Array(String)}, event))
        AND (empty({countries:Array(String)}) OR has({countries:Array(String)}, country))
        AND (empty({devices:Array(String)}) OR has({devices:Array(String)}, device_type))
        AND (empty({currency:String}) OR currency = {currency:String})
    GROUP BY at, name
)
