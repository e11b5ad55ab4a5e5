-- Refusals of one event of a site, as they were received.
SELECT reason, field, detail, _stage, received_at, stored_at, _log, _partition, _place
FROM events_rejected
WHERE site_id = {site:String} AND lower(event_id) = {id:String}
ORDER BY received_at, _place
LIMIT 100
