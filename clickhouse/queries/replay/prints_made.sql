-- The rows of a replay by month: how many, and a sum over what is in them.
SELECT toYYYYMM(ts) AS month, count() AS made, sum(hash) AS sum
FROM (SELECT ts, cityHash64(* REPLACE (ifNull(sent_at, toDateTime64(0, 3, 'UTC')) AS sent_at)) AS hash FROM {rows:Identifier})
GROUP BY month
ORDER BY month
