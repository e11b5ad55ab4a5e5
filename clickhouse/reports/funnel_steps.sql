-- Counts and times of each step: of all attempts, by value of the breakdown, by the bucket they begin in.
SELECT
    step,
    slot,
    bucket,
    any(label) AS value,
    count() AS attempts,
    countIf(is_open) AS unfinished,
    quantilesExactInclusiveIf(0.5, 0.9)(since_before / 1000, step > 1) AS of_before,
    sumMapIf([roundDown(intDiv(since_before, 1000), $edges)], [toUInt64(1)], step > 1) AS bins_before,
    quantilesExactInclusiveIf(0.5, 0.9)(since_first / 1000, step > 1) AS of_first,
    sumMapIf([roundDown(intDiv(since_first, 1000), $edges)], [toUInt64(1)], step > 1) AS bins_first
FROM
(
    SELECT
        toUInt8(reached.1) AS step,
        slot,
        $bucket AS bucket,
        if(slot = $rest, '', value) AS label,
        level < $steps AND times[1] + {longest:UInt64} >= {now:Int64} AS is_open,
        reached.2 - reached.3 AS since_before,
        reached.2 - times[1] AS since_first
    FROM
    (
        SELECT
            times,
            level,
            value,
            $slot AS slot
        FROM ($inner)
    )
    ARRAY JOIN arrayFilter(
        r -> r.2 > 0,
        arrayZip(range(1, $steps + 1), times, [$befores])
    ) AS reached
)
GROUP BY GROUPING SETS ($sets)
