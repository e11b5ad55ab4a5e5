-- The days of which there is anything: events, minute aggregates, the ledger.
SELECT DISTINCT toString(date) AS day
FROM
(
    SELECT toDate(ts) AS date FROM events GROUP BY date
    UNION ALL
    SELECT toDate(received_at) AS date FROM events GROUP BY date
    UNION ALL
    SELECT toDate(minute) AS date FROM metrics_minute WHERE site_id != '' GROUP BY date
    UNION ALL
    SELECT toDate(minute) AS date FROM ledger_minute WHERE received > 0 GROUP BY date
)
WHERE (empty({from:String}) OR date >= toDateOrZero({from:String})) AND (empty({to:String}) OR date <= toDateOrZero({to:String}))
ORDER BY day
