-- How many units are in which state in each period from the second on: 0 new, 1 returning, 2 resurrecting, 3 dormant.
SELECT cell.1 AS period, cell.2 AS state, sum(activity.units) AS units
FROM $activity AS activity
ARRAY JOIN arrayConcat(
    arrayFilter(
        c -> c.1 > 1,
        arrayMap(
            (p, n) -> (toUInt16(p), toUInt8(multiIf(n = 1, 0, periods[n - 1] = p - 1, 1, 2))),
            periods,
            arrayEnumerate(periods)
        )
    ),
    arrayMap(
        p -> (toUInt16(p + 1), toUInt8(3)),
        arrayFilter(p -> p > 0 AND p < {last:UInt16} AND NOT has(periods, p + 1), periods)
    )
) AS cell
GROUP BY period, state
