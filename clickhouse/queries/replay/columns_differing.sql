-- Of a day of receipt, by site and column: how many rows differ, and the first few of them by id.
SELECT
    site_id,
    {names:Array(String)}[number] AS name,
    count() AS differ,
    groupArraySorted(3)(event_id) AS first
FROM
(
    SELECT
        site_id,
        event_id,
        arrayJoin(arrayFilter(n -> there[n] != here[n], arrayEnumerate(there))) AS number
    FROM
    (
        SELECT
            site_id,
            event_id,
            anyIf(sums, side = 0) AS there,
            anyIf(sums, side = 1) AS here
        FROM
        (
            SELECT site_id, event_id, _log, _partition, _place, 0 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (cityHash64)] AS sums
            FROM events
            WHERE toDate(received_at) = {day:Date} AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
            UNION ALL
            SELECT site_id, event_id, _log, _partition, _place, 1 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (cityHash64)] AS sums
            FROM {rows:Identifier}
            WHERE toDate(received_at) = {day:Date}
        )
        GROUP BY site_id, event_id, _log, _partition, bitShiftRight(_place, 10)
        HAVING countIf(side = 0) > 0 AND countIf(side = 1) > 0 AND there != here
    )
)
GROUP BY site_id, name
ORDER BY site_id, indexOf({names:Array(String)}, name)
