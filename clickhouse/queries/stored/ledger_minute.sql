-- Up to which places the ledger's entries are applied, by month: rows of the empty site.
SELECT toYYYYMM(minute) AS month, maxMap(_applied) AS applied
FROM ledger_minute
WHERE site_id = ''
GROUP BY month
