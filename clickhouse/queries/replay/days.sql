-- The days on which events of the range happened, as they are stored and as they would be.
SELECT DISTINCT toString(day) AS day
FROM
(
    SELECT toDate(ts) AS day FROM events WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1])) GROUP BY day
    UNION ALL
    SELECT toDate(ts) AS day FROM {rows:Identifier} GROUP BY day
)
ORDER BY day
