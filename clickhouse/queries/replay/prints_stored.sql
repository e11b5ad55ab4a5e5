-- The stored rows of the range by month: how many, and a sum over what is in them.
SELECT toYYYYMM(ts) AS month, count() AS stored, sum(hash) AS sum
FROM (SELECT ts, cityHash64(* REPLACE (ifNull(sent_at, toDateTime64(0, 3, 'UTC')) AS sent_at)) AS hash FROM events WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1])))
GROUP BY month
ORDER BY month
