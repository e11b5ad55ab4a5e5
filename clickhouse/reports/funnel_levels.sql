-- For each event how far an attempt gets that begins with it, 0 where none may begin.
SELECT
    *,
    arrayMap(t -> bitShiftLeft(t + {longest:UInt64} + 1, 21), at) AS untils,
    arrayMap(
        (f, t, key, until, ahead) -> if(
            bitAnd(f, $entry) != 0 AND t >= toUInt64({start:Int64}) AND t < toUInt64({entry_end:Int64}),
            $level,
            0
        ),
        fits, at, keys, untils, ahead1
    ) AS levels
FROM ($inner)
