-- Of each unit the attempt that gets furthest, of these the one that begins first, where each step must follow the one before it and
-- nothing else ends an attempt: by the events themselves, packed, with which its steps are reached.
SELECT
    who,
    part,
    [$times] AS times,
    level,
    '' AS value
FROM
(
    SELECT
        *,
        arrayMap(
            ($names) -> if(
                bitAnd(x, 1) != 0
                    AND x >= bitShiftLeft(toUInt64({start:Int64}), $bits)
                    AND x < bitShiftLeft(toUInt64({entry_end:Int64}), $bits),
                $level,
                0
            ),
            $columns
        ) AS levels,
        arrayMax(levels) AS level,
        indexOf(levels, level) AS i
    FROM ($inner)
)
WHERE level > 0
$choice
