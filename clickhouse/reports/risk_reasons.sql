-- What speaks against them, by how many events it does.
SELECT reason, count() AS events, uniqExact($visitor) AS visitors
FROM $rows
ARRAY JOIN splitByChar(',', risk_reasons) AS reason
WHERE risk_reasons != '' AND $filtered
GROUP BY reason
ORDER BY events DESC, reason ASC
LIMIT {limit:UInt32}
