-- The rows of a month that were stored since the others were copied: those beyond the last place of each source there.
INSERT INTO {month_table:Identifier}
WITH
(
    SELECT mapFromArrays(groupArray(source), groupArray(place))
    FROM
    (
        SELECT concat(_log, ':', toString(_partition)) AS source, max(_place) AS place
        FROM {month_table:Identifier}
        GROUP BY _log, _partition
    )
) AS reached
SELECT *
FROM events
WHERE toYYYYMM(ts) = {month:UInt32}
    AND NOT (received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1])))
    AND (NOT mapContains(reached, concat(_log, ':', toString(_partition))) OR _place > reached[concat(_log, ':', toString(_partition))])
