-- Stored rows of the range that the raw log does not reach, or not any more.
SELECT * REPLACE (replaceAll(toString(event_id), '-', '') AS event_id)
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
    AND (has({others:Array(String)}, _log) OR bitShiftRight(_place, 10) < {firsts:Array(UInt64)}[_partition + 1])
