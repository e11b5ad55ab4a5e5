-- The ids of stored events, each as the higher half of its digest, with the part of the window it belongs to: by
-- its place along the log and by when it was received, whichever is later. Those of one partition of a log, or, where
-- `own` is false, those of all logs but these.
SELECT
    greatest(
        transform(roundDown(_place, {places:Array(UInt64)}), {places:Array(UInt64)}, {numbers:Array(UInt8)}, toUInt8(0)),
        toUInt8(indexOf({moments:Array(Int64)}, roundDown(toUnixTimestamp64Milli(received_at), {moments:Array(Int64)})) - 1)
    ) AS part,
    toUInt64(bitShiftRight(xxh3_128(concat(site_id, '\0', toString(event_id))), 64)) AS id
FROM events
WHERE has({logs:Array(String)}, _log) = {own:Bool}
    AND (NOT {own:Bool} OR _partition = {partition:UInt16})
    AND _place >= {first:UInt64}
    AND _place < {end:UInt64}
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
