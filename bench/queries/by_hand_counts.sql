-- Events by day.
SELECT
    toStartOfDay(minute) AS day,
    sum(metrics_minute.events) AS n
FROM metrics_minute
WHERE site_id = {site:String}
    AND minute >= fromUnixTimestamp64Milli({start:Int64})
    AND minute < fromUnixTimestamp64Milli({end:Int64})
GROUP BY day
ORDER BY day
