-- Cohorts from the moments at which each unit started and came back; column 0 is the cohort itself.
SELECT
    value,
    sumIf(n, column = 0) AS size,
    groupArray((cohort, column, n, amount)) AS cells
FROM
(
    SELECT first.4 AS value, first.3 AS cohort, cell.1 AS column, sum(cell.2) AS n, sum(cell.3) AS amount
    FROM
    (
        SELECT
            first,
            arrayMap(
                r -> (toUInt16({columns:Array(UInt16)}[least($since_start + 1, $longest)]), r.3),
                arrayFilter(r -> r.1 >= first.1, returned)
            ) AS found
        FROM
        (
            SELECT
                arrayJoin(arrayFilter((f, before) -> f.3 != before, firsts, arrayPushFront(arrayPopBack(firsts.3), 0))) AS first,
                returned
            FROM
            (
                SELECT $firsts AS firsts, groupArrayIf((at, period, amount), returns) AS returned
                FROM
                (
                    SELECT
                        $who AS who,
                        toUnixTimestamp64Milli(ts) AS at,
                        $id AS id,
                        toUInt16($period) AS period,
                        $value AS value,
                        $amount AS amount,
                        $starts AS starts,
                        $returns AS returns
                    FROM events
                    WHERE site_id = {site:String}
                        AND ts >= fromUnixTimestamp64Milli({since:Int64})
                        AND ts < fromUnixTimestamp64Milli({end:Int64})
                        AND $wanted
                )
                GROUP BY who
                HAVING $having
            )
        )
    )
    ARRAY JOIN arrayPushFront($cells, (toUInt16(0), toUInt8(1), toFloat64(0))) AS cell
    GROUP BY value, cohort, column
)
GROUP BY value
HAVING size > 0
ORDER BY size DESC, value
LIMIT 25
