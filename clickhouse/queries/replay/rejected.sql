-- By reason: how many lines of the raw log that was read were refused then, and how many are today. Those that tell no
-- moment of receipt count on both sides.
SELECT reason, sum(then_) AS refused_then, sum(now_) AS refused_now
FROM
(
    SELECT reason, count() AS then_, 0 AS now_
    FROM events_rejected
    WHERE _log = {log:String}
        AND bitShiftRight(_place, 10) >= {firsts:Array(UInt64)}[_partition + 1]
        AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]
        AND (empty({site:String}) OR site_id = {site:String})
        AND (toUnixTimestamp64Milli(received_at) = 0 OR (toUnixTimestamp64Milli(received_at) >= {since:Int64} AND toUnixTimestamp64Milli(received_at) < {until:Int64}))
    GROUP BY reason
    UNION ALL
    SELECT reason, 0, count()
    FROM {refused:Identifier}
    WHERE (empty({site:String}) OR site_id = {site:String})
        AND (toUnixTimestamp64Milli(received_at) = 0 OR (toUnixTimestamp64Milli(received_at) >= {since:Int64} AND toUnixTimestamp64Milli(received_at) < {until:Int64}))
    GROUP BY reason
)
GROUP BY reason
ORDER BY reason
