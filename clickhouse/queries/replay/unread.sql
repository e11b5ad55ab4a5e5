-- Stored rows of a slice that the raw log did not give again, and that nothing explains: they stay.
INSERT INTO {rows:Identifier}
SELECT *
FROM events
WHERE _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place >= bitShiftLeft({begin:UInt64}, 10)
    AND _place < bitShiftLeft({end:UInt64}, 10)
    AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (site_id, event_id, bitShiftRight(_place, 10)) NOT IN
    (
        SELECT site_id, event_id, bitShiftRight(_place, 10) FROM {made:Identifier}
    )
    AND (event_id, bitShiftRight(_place, 10)) NOT IN
    (
        SELECT toUUIDOrZero(event_id), bitShiftRight(_place, 10)
        FROM {refused:Identifier}
        WHERE _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place >= bitShiftLeft({begin:UInt64}, 10)
    AND _place < bitShiftLeft({end:UInt64}, 10)
    )
