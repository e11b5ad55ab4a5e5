-- Who was named for which visitor by the stored events: as the view `identity_links_of_events` writes it.
INSERT INTO identity_links (site_id, visitor_id, user_id, first, stored_at)
SELECT
    site_id,
    visitor AS visitor_id,
    user_id,
    min(moment) AS first,
    now64(3) AS stored_at
FROM
(
    SELECT
        site_id,
        if(
            event = 'alias' AND JSONType(properties, 'previous_id') = 'String',
            JSONExtractString(properties, 'previous_id'),
            ''
        ) AS previous,
        if(previous = '', visitor_id, previous) AS visitor,
        user_id,
        (ts, toUInt128(event_id), event_id, toString(event)) AS moment
    FROM events
    WHERE event IN ('identify', 'alias') AND user_id != '' AND (empty({site:String}) OR site_id = {site:String})
)
WHERE visitor != '' AND lengthUTF8(visitor) <= 200 AND NOT startsWith(visitor, '\0')
GROUP BY site_id, visitor_id, user_id
