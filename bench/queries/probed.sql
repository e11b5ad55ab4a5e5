-- Which events of a probe are found.
SELECT toString(event_id)
FROM events
WHERE site_id = {site:String} AND toDate(ts) >= today() - 1 AND event = {name:String}
