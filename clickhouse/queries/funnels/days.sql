-- The days of which a site has events, and of how many.
SELECT toDate(ts) AS day, count()
FROM events
WHERE site_id = {site:String}
GROUP BY day
ORDER BY day
