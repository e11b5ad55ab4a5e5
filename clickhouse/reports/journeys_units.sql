-- Each unit's events in order, each a number: the moment in ms (times 2^208), the id (times 2^80), and the hash of its
-- step, which is 0 for an event that is none. So they are sorted, and held in memory, as numbers.
SELECT
    is_told_by_client,
    arraySort(groupArray(2000000)(packed)) AS items,
    arrayMap(x -> toInt64(bitShiftRight(x, 208)), items) AS moments,
    arrayMap(x -> toUInt128(bitAnd(x, bitShiftLeft(toUInt256(1), 80) - 1)), items) AS steps
FROM
(
    SELECT
        reinterpretAsUInt128(sipHash128($who)) AS who,
        $own AS is_told_by_client,
        $value AS value,
        toUInt256(if(value != '' AND $filtered, $hash, 0)) AS step,
        bitShiftLeft(toUInt256(toUnixTimestamp64Milli(ts)), 208) + bitShiftLeft(toUInt256(toUInt128(event_id)), 80) + step AS packed
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
WHERE $wanted
GROUP BY who, is_told_by_client
HAVING $having
