-- The days on which events of the range were received, and of how many rows that is.
SELECT toString(day) AS day
FROM
(
    SELECT toDate(received_at) AS day FROM events WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1])) GROUP BY day
    UNION ALL
    SELECT toDate(received_at) AS day FROM {rows:Identifier} GROUP BY day
)
GROUP BY day
ORDER BY day
