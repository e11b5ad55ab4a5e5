-- Events by day, week or name, of a site's pages by days of UTC.
SELECT if({group:String} IN ('day', 'week'), toString(at), toString(name)) AS key, n, 0 AS money, emptyArrayString() AS currencies
FROM
(
    SELECT
        multiIf(
            {group:String} = 'day', toUnixTimestamp(toStartOfDay(ts, 'UTC')),
            {group:String} = 'week', toUnixTimestamp(toDateTime(toStartOfWeek(ts, 1, 'UTC'), 'UTC')),
            0
        ) AS at,
        if({group:String} = 'event', days.event, '') AS name,
        sum(days.events) - if({bots:String} = 'exclude', sum(days.bots), 0) AS n
    FROM $days AS days
    WHERE empty({events:Array(String)}) OR has({events:Array(String)}, days.event)
    GROUP BY at, name
    HAVING n > 0
)
