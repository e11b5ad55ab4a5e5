-- What was made of a slice of the raw log and is stored from the same record: it stands for that row, at its place.
INSERT INTO {rows:Identifier}
SELECT made.* EXCEPT (_place), own.place
FROM {made:Identifier} AS made
INNER JOIN
(
    SELECT site_id, event_id, bitShiftRight(_place, 10) AS offset, max(_place) AS place
    FROM events
    WHERE _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place >= bitShiftLeft({begin:UInt64}, 10)
    AND _place < bitShiftLeft({end:UInt64}, 10)
    AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    GROUP BY site_id, event_id, offset
) AS own
    ON made.site_id = own.site_id AND made.event_id = own.event_id AND bitShiftRight(made._place, 10) = own.offset
