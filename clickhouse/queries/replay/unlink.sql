-- Away with those of whom it is not the first of the stored events that names them, as it was the first before: what is
-- left to be said of them `link` says again.
DELETE FROM identity_links
WHERE (empty({site:String}) OR site_id = {site:String})
    AND (site_id, visitor_id, user_id) IN
    (
        SELECT site_id, visitor_id, user_id
        FROM
        (
            SELECT site_id, visitor_id, user_id, min(identity_links.first) AS earliest
            FROM identity_links
            WHERE empty({site:String}) OR site_id = {site:String}
            GROUP BY site_id, visitor_id, user_id
        )
        WHERE (site_id, visitor_id, user_id, earliest.ts, earliest.event_id) NOT IN
            (
                SELECT site_id, visitor, user_id, min(moment).1, min(moment).3
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
                        (ts, toUInt128(event_id), event_id) AS moment
                    FROM events
                    WHERE event IN ('identify', 'alias')
                        AND user_id != ''
                        AND (empty({site:String}) OR site_id = {site:String})
                )
                GROUP BY site_id, visitor, user_id
            )
    )
