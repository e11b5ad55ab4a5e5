-- The pages with the most views.
SELECT path, count() AS views
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({start:Int64})
    AND ts < fromUnixTimestamp64Milli({end:Int64})
    AND event = 'page_view'
GROUP BY path
ORDER BY views DESC, path ASC
LIMIT 100
