-- Of a day of receipt, by site and column: how many rows differ, and the first few of them by id.
SELECT
    site_id,
    differing.1 AS name,
    count() AS differ,
    groupArraySorted(3)((toString(event_id), differing.2, differing.3)) AS examples
FROM
(
    SELECT
        site_id,
        event_id,
        arrayJoin(arrayFilter(each -> each.2 != each.3, arrayZip({names:Array(String)}, values_there, values_here))) AS differing
    FROM
    (
        SELECT
            site_id,
            event_id,
            anyIf(texts, side = 0) AS values_there,
            anyIf(texts, side = 1) AS values_here
        FROM
        (
            SELECT site_id, event_id, _log, _partition, _place, 0 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (toString)] AS texts
            FROM events
            WHERE toDate(received_at) = {day:Date} AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
            UNION ALL
            SELECT site_id, event_id, _log, _partition, _place, 1 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (toString)] AS texts
            FROM {rows:Identifier}
            WHERE toDate(received_at) = {day:Date}
        )
        GROUP BY site_id, event_id, _log, _partition, bitShiftRight(_place, 10)
        HAVING countIf(side = 0) > 0 AND countIf(side = 1) > 0 AND values_there != values_here
    )
)
GROUP BY site_id, name
ORDER BY site_id, indexOf({names:Array(String)}, name)
