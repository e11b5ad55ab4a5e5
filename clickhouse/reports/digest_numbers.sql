-- What a site had in a period and in the one before it.
SELECT
    ts >= fromUnixTimestamp64Milli({middle:Int64}) AS is_now,
    count() AS events,
    uniqExact(visitor_id) AS visitors,
    uniqExact(session) AS sessions
FROM $rows
GROUP BY is_now
