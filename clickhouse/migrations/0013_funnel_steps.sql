-- The events that fit a step or an exclusion of a saved funnel, each once, a visitor's together: what a view over `events`
-- writes, and what was stored before the funnel was saved. A build is one saving of a funnel; rows of builds that are no
-- more are never read. The same event in the view and among what was stored before is one row: its key is that of `events`.
CREATE TABLE IF NOT EXISTS funnel_steps
(
    site_id       LowCardinality(String) COMMENT 'The site.',
    build         UInt64 COMMENT 'The saving of a funnel that it belongs to.',
    fits          UInt32 COMMENT 'A bit for each exclusion and each step that the event fits.',
    visitor       UInt128 COMMENT 'Hash of the visitor''s id.',
    person        UInt128 CODEC(ZSTD(1)) COMMENT 'Hash of the person''s id, of the visitor''s where none is known.',
    ts            DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When it happened.',
    event         LowCardinality(String) COMMENT 'What happened.',
    event_id      UUID COMMENT 'The event''s own id.',
    visitor_id    String CODEC(ZSTD(1)) COMMENT 'The browser or device.',
    user_id       String CODEC(ZSTD(1)) COMMENT 'The person, once known.',
    channel       LowCardinality(String) COMMENT 'Acquisition channel.',
    referrer_host LowCardinality(String) COMMENT 'Host of the referrer.',
    utm_source    LowCardinality(String) COMMENT 'Campaign source.',
    utm_medium    LowCardinality(String) COMMENT 'Campaign medium.',
    utm_campaign  LowCardinality(String) COMMENT 'Campaign name.',
    language      LowCardinality(String) COMMENT 'Language tag.',
    country       LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    device_type   LowCardinality(String) COMMENT 'desktop, mobile, tablet, …',
    browser       LowCardinality(String) COMMENT 'Browser family.',
    os            LowCardinality(String) COMMENT 'Operating system family.',
    bot           Bool COMMENT 'A crawler or another machine.',
    _partition    UInt16 CODEC(ZSTD(1)) COMMENT 'Partition of the raw log it came from.'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (site_id, build, visitor, ts, event, event_id, _partition)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The events that fit a step of a saved funnel.';

-- What is known of each saved funnel's rows: its last word counts. The row without an id says when events were last replaced.
CREATE TABLE IF NOT EXISTS funnel_builds
(
    site_id LowCardinality(String) COMMENT 'The site.',
    id      String COMMENT 'The funnel''s id.',
    build   UInt64 COMMENT 'The saving of the funnel whose rows count.',
    fits    String CODEC(ZSTD(1)) COMMENT 'Expression of the steps and exclusions that an event fits.',
    bound   String CODEC(ZSTD(1)) COMMENT 'Values of its parameters, as JSON text.',
    print   String COMMENT 'What tells these steps from others.',
    state   LowCardinality(String) COMMENT 'building, ready or gone.',
    changed DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'When this was said.'
)
ENGINE = ReplacingMergeTree(changed)
ORDER BY (site_id, id)
COMMENT 'What is known of the rows of saved funnels.';
