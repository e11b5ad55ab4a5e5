-- The attempts that count: when each step was reached (0 where it was not), how far it got, the value it is told by.
SELECT
    who,
    part,
    arrayMap(key -> toInt64(bitShiftRight(key, 21)), found) AS times,
    arrayLastIndex(key -> key > 0, found) AS level,
    $told AS told,
    told > 0 AS is_told,
    $value AS value
FROM ($inner)
$choice
