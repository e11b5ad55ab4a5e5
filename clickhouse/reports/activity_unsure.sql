-- The days, counted from the epoch, of whose events the rows of activity are not.
SELECT toUInt16(date) AS number
FROM
(
    SELECT toDate(ts) AS date, toInt64(count()) AS difference
    FROM events
    WHERE site_id = {site:String} AND toDate(ts) >= {since:Date} AND toDate(ts) < {until:Date}
    GROUP BY date
    UNION ALL
    SELECT addDays(quarter, day - 1) AS date, -sum(events) AS difference
    FROM activity
    WHERE site_id = {site:String} AND day > 0 AND addDays(quarter, day - 1) >= {since:Date} AND addDays(quarter, day - 1) < {until:Date}
    GROUP BY date
)
GROUP BY date
HAVING sum(difference) != 0
