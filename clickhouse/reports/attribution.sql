-- Conversions and their revenue, credited to the sessions that came before them, by where these came from: `is_total` is
-- the row of all of them. Shares are integers of 1/{whole}, money of 1/10000; what a touch gets is what is due up to it less
-- what is due up to the one before, each rounded down, so the parts of a conversion make up the whole to the last digit.
SELECT
    is_total,
    value,
    sum(share) AS credit,
    count() AS conversions,
    sumMap(if(money = 0, map(), map(currency, money))) AS revenue,
    avg(touches) AS mean_touches,
    avg(days) AS mean_days,
    quantileExactInclusive(0.5)(days) AS median_days,
    count() OVER (PARTITION BY is_total) AS listed
FROM
(
    SELECT
        is_total,
        value,
        any(currency) AS currency,
        sum(own) AS share,
        sum(due) AS money,
        any(touches) AS touches,
        any(days) AS days
    FROM
    (
        SELECT
            who, place, currency, touches, days,
            part.1 AS value,
            part.2 AS own,
            part.3 AS due,
            part.4 AS is_total
        FROM ($credited)
        ARRAY JOIN arrayPushFront(
            arrayFilter(
                x -> x.2 > 0,
                arrayMap(
                    (touch, end, begin) -> (
                        touch.3,
                        end - begin,
                        intDiv(money * end, {whole:Int64}) - intDiv(money * begin, {whole:Int64}),
                        toUInt8(0)
                    ),
                    path, ends, arrayPopBack(arrayPushFront(ends, toInt64(0)))
                )
            ),
            ('', {whole:Int64}, money, toUInt8(1))
        ) AS part
    )
    GROUP BY who, place, is_total, value
)
GROUP BY is_total, value
ORDER BY is_total DESC, credit DESC, value ASC
LIMIT {limit:UInt32} + 1
