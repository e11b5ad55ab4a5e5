-- What a site earned in a period and in the one before it, by currency.
SELECT
    ts >= fromUnixTimestamp64Milli({middle:Int64}) AS is_now,
    toString(currency) AS of_currency,
    toFloat64(sum(revenue)) AS earned
FROM $rows
WHERE revenue != 0
GROUP BY is_now, of_currency
ORDER BY earned DESC, of_currency ASC
LIMIT 20
