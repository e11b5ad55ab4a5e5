-- Some events of a site as they are stored and as they would be: their columns as text.
SELECT
    toString(event_id) AS id,
    anyIf(texts, side = 0) AS there,
    anyIf(texts, side = 1) AS here
FROM
(
    SELECT event_id, _log, _partition, _place, 0 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (toString)] AS texts
    FROM events
    WHERE site_id = {site_id:String}
        AND event_id IN {ids:Array(UUID)}
        AND toDate(received_at) = {day:Date} AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
    UNION ALL
    SELECT event_id, _log, _partition, _place, 1 AS side, [* EXCEPT (site_id, event_id, _log, _partition, _place) REPLACE (ifNull(toString(sent_at), '') AS sent_at) APPLY (toString)] AS texts
    FROM {rows:Identifier}
    WHERE site_id = {site_id:String} AND event_id IN {ids:Array(UUID)} AND toDate(received_at) = {day:Date}
)
GROUP BY event_id, _log, _partition, bitShiftRight(_place, 10)
HAVING countIf(side = 0) > 0 AND countIf(side = 1) > 0
