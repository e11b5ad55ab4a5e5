-- Of a day of receipt, by site: rows stored, rows made, those on one side only, and those that differ.
SELECT
    site_id,
    sum(there) AS stored,
    sum(here) AS made,
    countIf(there > 0 AND here = 0) AS only_there,
    countIf(here > 0 AND there = 0) AS only_here,
    countIf(here > 0 AND there > 0 AND sum_there != sum_here) AS differing
FROM
(
    SELECT
        site_id,
        event_id,
        _log,
        _partition,
        bitShiftRight(_place, 10) AS offset,
        countIf(side = 0) AS there,
        countIf(side = 1) AS here,
        anyIf(hash, side = 0) AS sum_there,
        anyIf(hash, side = 1) AS sum_here
    FROM
    (
        SELECT site_id, event_id, _log, _partition, _place, 0 AS side, cityHash64(* REPLACE (ifNull(sent_at, toDateTime64(0, 3, 'UTC')) AS sent_at)) AS hash
        FROM events
        WHERE toDate(received_at) = {day:Date} AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
        UNION ALL
        SELECT site_id, event_id, _log, _partition, _place, 1 AS side, cityHash64(* REPLACE (ifNull(sent_at, toDateTime64(0, 3, 'UTC')) AS sent_at)) AS hash
        FROM {rows:Identifier}
        WHERE toDate(received_at) = {day:Date}
    )
    GROUP BY site_id, event_id, _log, _partition, offset
)
GROUP BY site_id
ORDER BY site_id
