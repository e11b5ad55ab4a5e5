-- The pages that were seen most in a period.
SELECT path, count() AS views
FROM $rows
WHERE event = 'page_view' AND ts >= fromUnixTimestamp64Milli({middle:Int64})
GROUP BY path
ORDER BY views DESC, path ASC
LIMIT 5
