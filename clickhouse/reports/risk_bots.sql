-- Which bots are among them.
SELECT bot_name, bot_kind, bot_claim, count() AS events, uniqExact($visitor) AS visitors, max(ts) AS last
FROM $rows
WHERE bot AND $filtered
GROUP BY bot_name, bot_kind, bot_claim
ORDER BY events DESC, bot_name ASC, bot_kind ASC, bot_claim ASC
LIMIT {limit:UInt32}
