-- Events and revenue, whole or by a time or a dimension.
SELECT toString(key) AS key, n, money, currencies
FROM
(
    SELECT
        $key AS key,
        $n AS n,
        $money AS money,
        $currencies AS currencies
    FROM $rows AS counted
    WHERE $passes
    GROUP BY key
    HAVING n > 0
)
