-- How many ids `stored_ids` will give for each part of the window.
SELECT
    greatest(
        transform(roundDown(_place, {places:Array(UInt64)}), {places:Array(UInt64)}, {numbers:Array(UInt8)}, toUInt8(0)),
        toUInt8(indexOf({moments:Array(Int64)}, roundDown(toUnixTimestamp64Milli(received_at), {moments:Array(Int64)})) - 1)
    ) AS part,
    count() AS ids
FROM events
WHERE has({logs:Array(String)}, _log) = {own:Bool}
    AND (NOT {own:Bool} OR _partition = {partition:UInt16})
    AND _place >= {first:UInt64}
    AND _place < {end:UInt64}
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
GROUP BY part
ORDER BY part
