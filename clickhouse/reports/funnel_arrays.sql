-- The numbers taken apart: the moment, what it fits, and a key that tells the moment (in ms, times 2^21) and the place.
SELECT
    who,
    part,
    $values AS values,
    arrayMap(x -> toUInt64(bitShiftRight(x, $bits)), $packed) AS at,
    arrayMap(x -> toUInt64(bitAnd(x, $all)), $packed) AS fits,
    arrayMap((t, n) -> bitShiftLeft(t, 21) + n, at, arrayEnumerate(at)) AS keys
FROM ($inner)
