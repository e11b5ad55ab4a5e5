-- Each unit's events that matter, in order: the moment, the first step it fits and all that it fits, packed in one number.
SELECT
    who,
    part,
    arraySort(groupArray(2000000)($item)) AS items
FROM
(
    SELECT
        $who AS who,
        $part AS part,
        $value AS value,
        $fits AS fits,
        bitShiftRight(fits, $exclusions) AS fitting,
        if(fitting = 0, 31, bitCount(bitXor(fitting, fitting - 1)) - 1) AS first,
        bitShiftLeft($packed(toUnixTimestamp64Milli(ts)), $bits)
            + bitShiftLeft($packed(first), $bits - 5)
            + fits AS packed
    FROM $rows
    WHERE $named AND $filter AND $held
)
WHERE $wanted
GROUP BY who, part
HAVING countIf(bitAnd(fits, $entry) != 0) > 0
