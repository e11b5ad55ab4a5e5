-- The rows of a month that a replay does not touch.
INSERT INTO {month_table:Identifier}
SELECT *
FROM events
WHERE toYYYYMM(ts) = {month:UInt32} AND NOT (received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1])))
