-- The days of which there is anything: events, minute aggregates, the ledger.
SELECT DISTINCT toString(day) AS day
FROM
(
    SELECT toDate(ts) AS day FROM events GROUP BY day
    UNION ALL
    SELECT toDate(received_at) AS day FROM events GROUP BY day
    UNION ALL
    SELECT toDate(minute) AS day FROM metrics_minute WHERE site_id != '' GROUP BY day
    UNION ALL
    SELECT toDate(minute) AS day FROM ledger_minute WHERE received > 0 GROUP BY day
)
WHERE (empty({from:String}) OR day >= toDateOrZero({from:String})) AND (empty({to:String}) OR day <= toDateOrZero({to:String}))
ORDER BY day
