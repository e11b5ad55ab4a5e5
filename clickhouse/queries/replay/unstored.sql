-- What was made of a slice of the raw log and is not stored from the same record: repetitions, and what was refused then.
INSERT INTO {fresh:Identifier}
SELECT *
FROM {made:Identifier}
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (site_id, event_id, bitShiftRight(_place, 10)) NOT IN
    (
        SELECT site_id, event_id, bitShiftRight(_place, 10)
        FROM events
        WHERE _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place >= bitShiftLeft({begin:UInt64}, 10)
    AND _place < bitShiftLeft({end:UInt64}, 10)
    )
