-- Each unit's events that matter, in order: the moment, the first step it fits and all that it fits, packed in one number.
-- Of who never did what may follow the first step, the first event to begin with says all.
SELECT
    who,
    $own_part AS part,
    arraySort(groupArray(2000000)($item)) AS every,
    $items AS items
FROM
(
    SELECT
        $who AS who,
        $part AS part,
        $value AS value,
        $fits AS fits,
        bitShiftRight(fits, $exclusions) AS fitting,
        $first AS first,
        bitShiftLeft($packed(toUnixTimestamp64Milli(ts)), $bits)
            + bitShiftLeft($packed(first), $beside)
            + fits AS packed
    FROM $rows
    WHERE $named AND $filter AND $held
)
WHERE $wanted
GROUP BY $keys
HAVING arrayExists(x -> bitAnd(x$number, $entry) != 0, every)
