-- Each conversion with its touches in order, and how much of its credit is due up to each of them.
SELECT
    who, place, currency, money, path,
    toInt64(length(path)) AS touches,
    (at - path[1].1) / 86400000 AS days,
    arrayMap(x -> toInt64(x), $ends) AS ends
FROM
(
    SELECT
        who,
        place,
        conversion.1 AS at,
        conversion.2 AS id,
        conversion.5 AS money,
        conversion.6 AS currency,
        arrayFilter(
            x -> (x.1, x.2) <= (at, id) AND (x.1 >= at - {lookback:Int64} OR (x.1, x.2) = (conversion.3, conversion.4)),
            sessions
        ) AS path
    FROM
    (
        SELECT
            who,
            arraySort(groupArray((began, first_id, value, is_direct))) AS sessions,
            groupArrayArray(arrayFilter(x -> x.7 = who, converted)) AS conversions
        FROM ($touches)
        ARRAY JOIN people AS who
        WHERE who GLOBAL IN ($converted)
        GROUP BY who
        HAVING notEmpty(conversions)
    )
    ARRAY JOIN conversions AS conversion, arrayEnumerate(conversions) AS place
)
