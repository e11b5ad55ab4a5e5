-- Who was named as the person behind visitors, of one visitor or of all that a person was named for: of a visitor the
-- earliest that counts is linked, the others that count are later ones.
WITH
    (visitor_id, user_id) IN
    (
        SELECT visitor_id, user_id
        FROM identity_corrections FINAL
        WHERE site_id = {site:String} AND unlinked
    ) OR visitor_id IN
    (
        SELECT visitor_id
        FROM identity_corrections FINAL
        WHERE site_id = {site:String} AND unlinked AND user_id = ''
    ) AS is_unlinked
SELECT
    visitor_id,
    user_id,
    earliest.ts AS since,
    earliest.event_id AS event_id,
    earliest.event AS event,
    multiIf(
        is_unlinked, 'unlinked',
        row_number() OVER (PARTITION BY visitor_id, is_unlinked ORDER BY earliest ASC, user_id ASC) = 1, 'linked',
        'later'
    ) AS state
FROM
(
    SELECT visitor_id, user_id, min(first) AS earliest
    FROM identity_links
    WHERE site_id = {site:String}
        AND visitor_id IN
        (
            SELECT visitor_id
            FROM identity_links
            WHERE site_id = {site:String} AND (visitor_id = {visitor:String} OR user_id = {user:String})
        )
    GROUP BY visitor_id, user_id
)
ORDER BY visitor_id, earliest
LIMIT {limit:UInt32}
