-- Where those of some suspected events that are stored came from. They are looked for by the beginning of the sorting
-- key; not by the moment, which a client that sends none has another of at its second try. The id is compared first: of
-- what the index leaves, hardly any other column is read.
SELECT site_id, toString(event_id) AS id, _log, _partition, _place
FROM events
PREWHERE event_id IN (SELECT event_id FROM suspected)
WHERE (site_id, toDate(ts), event, cityHash64(visitor_id)) IN
    (
        SELECT site_id, toDate(day), event, cityHash64(visitor_id)
        FROM suspected
        ARRAY JOIN days AS day
    )
