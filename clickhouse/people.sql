-- Who is behind each visitor, in memory: read anew where something was stored since. Under a visitor that cannot be, '\0',
-- stands for each site of which people it is, so that whoever keeps answers can tell.
CREATE OR REPLACE DICTIONARY people
(
    site_id    String,
    visitor_id String,
    user_id    String
)
PRIMARY KEY site_id, visitor_id
SOURCE(CLICKHOUSE(
    USER '$user' PASSWORD '$password'
    QUERY 'SELECT CAST(site_id, \'String\') AS site_id, visitor_id, user_id FROM $analytics.identity
        UNION ALL
        SELECT CAST(site_id, \'String\'), \'\\0\', concat(toString(count()), \'.\', hex(groupBitXor(sipHash64(visitor_id, user_id))))
        FROM $analytics.identity GROUP BY site_id'
    INVALIDATE_QUERY 'SELECT concat(
        (SELECT toString((max(stored_at), count())) FROM $database.identity_links),
        (SELECT toString((max(changed), count())) FROM $database.identity_corrections)
    )'
))
LAYOUT(COMPLEX_KEY_HASHED_ARRAY())
LIFETIME(MIN 2 MAX 4)
COMMENT 'Who is behind each visitor.'
