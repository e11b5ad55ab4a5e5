-- Who was named as the person behind a visitor: one row for each visitor and person, with the first time in `first`. Rows
-- are merged by taking the earliest, so that neither order nor repetition of events changes anything.
CREATE TABLE IF NOT EXISTS identity_links
(
    site_id    LowCardinality(String) COMMENT 'The site.',
    visitor_id String COMMENT 'The browser or device.',
    user_id    String COMMENT 'The person that an event named.',
    first      SimpleAggregateFunction(min, Tuple(ts DateTime64(3, 'UTC'), number UInt128, event_id UUID, event String)) COMMENT 'The first event that did: its time, its id as a number and as such, its name.',
    stored_at  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When the latest such event was stored.'
)
ENGINE = AggregatingMergeTree
ORDER BY (site_id, visitor_id, user_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Who was named as the person behind a visitor.';

-- What somebody decided about them: the last word on a visitor and a person, or on a visitor and all persons (user_id empty).
CREATE TABLE IF NOT EXISTS identity_corrections
(
    site_id    LowCardinality(String) COMMENT 'The site.',
    visitor_id String COMMENT 'The browser or device.',
    user_id    String COMMENT 'The person; empty for whoever is named.',
    unlinked   Bool COMMENT 'Whether events that name the person do not count.',
    changed    DateTime64(3, 'UTC') COMMENT 'When this was said.'
)
ENGINE = ReplacingMergeTree(changed)
ORDER BY (site_id, visitor_id, user_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Which of those who were named do not count.';

CREATE MATERIALIZED VIEW IF NOT EXISTS identity_links_of_events TO identity_links AS
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
    WHERE event IN ('identify', 'alias') AND user_id != ''
)
WHERE visitor != '' AND lengthUTF8(visitor) <= 200 AND NOT startsWith(visitor, '\0')
GROUP BY site_id, visitor_id, user_id;

-- What was stored before.
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
    WHERE event IN ('identify', 'alias') AND user_id != ''
)
WHERE visitor != '' AND lengthUTF8(visitor) <= 200 AND NOT startsWith(visitor, '\0')
GROUP BY site_id, visitor_id, user_id;

CREATE OR REPLACE VIEW {analytics:Identifier}.identity
(
    site_id    LowCardinality(String) COMMENT 'The site.',
    visitor_id String COMMENT 'The browser or device.',
    user_id    String COMMENT 'The person: the first who was named and counts.',
    since      DateTime64(3, 'UTC') COMMENT 'When the person was named first.',
    event_id   UUID COMMENT 'The event that did.',
    event      String COMMENT 'Its name: identify or alias.'
) AS
SELECT
    site_id,
    visitor_id,
    argMin(identity_links.user_id, identity_links.first) AS user_id,
    (min(identity_links.first) AS earliest).ts AS since,
    earliest.event_id AS event_id,
    earliest.event AS event
FROM identity_links
WHERE (site_id, visitor_id, identity_links.user_id) GLOBAL NOT IN
    (
        SELECT site_id, visitor_id, user_id
        FROM identity_corrections FINAL
        WHERE unlinked
    )
    AND (site_id, visitor_id) GLOBAL NOT IN
    (
        SELECT site_id, visitor_id
        FROM identity_corrections FINAL
        WHERE unlinked AND user_id = ''
    )
GROUP BY site_id, visitor_id
COMMENT 'The person behind each visitor who was identified: join by visitor_id.';
