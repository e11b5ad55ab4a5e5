-- Every event, once. `_log`, `_partition` and `_place` say which record of the raw log a row came from: what the
-- sink asks for when it starts. The projection answers that without reading the rows. The partition stands in the
-- sorting key so that merging never takes a row's repetition in another partition for it, and with it the last place.
CREATE TABLE IF NOT EXISTS events
(
    site_id         LowCardinality(String) COMMENT 'The site.',
    event           LowCardinality(String) COMMENT 'What happened.',
    ts              DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When it happened, corrected for the client''s clock.',
    received_at     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the collector received it.',
    sent_at         Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) COMMENT 'When the client sent it, by the client''s clock.',
    event_id        UUID COMMENT 'The event''s own id.',
    visitor_id      String CODEC(ZSTD(1)) COMMENT 'The browser or device.',
    user_id         String CODEC(ZSTD(1)) COMMENT 'The person, once known.',
    session_id      String CODEC(ZSTD(1)) COMMENT 'The client''s own session.',
    url             String CODEC(ZSTD(1)) COMMENT 'The page''s address.',
    host            LowCardinality(String) COMMENT 'Host of the url.',
    path            String CODEC(ZSTD(1)) COMMENT 'Path of the url.',
    referrer        String CODEC(ZSTD(1)) COMMENT 'Where the visitor came from.',
    referrer_host   LowCardinality(String) COMMENT 'Host of the referrer, empty where it is the site''s own.',
    channel         LowCardinality(String) COMMENT 'Acquisition channel.',
    title           String CODEC(ZSTD(1)) COMMENT 'The page''s title.',
    utm_source      LowCardinality(String) COMMENT 'Campaign source.',
    utm_medium      LowCardinality(String) COMMENT 'Campaign medium.',
    utm_campaign    LowCardinality(String) COMMENT 'Campaign name.',
    utm_term        LowCardinality(String) COMMENT 'Campaign term.',
    utm_content     LowCardinality(String) COMMENT 'Campaign content.',
    screen          LowCardinality(String) COMMENT 'Screen size.',
    language        LowCardinality(String) COMMENT 'Language tag.',
    timezone        LowCardinality(String) COMMENT 'IANA time zone.',
    country         LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    region          LowCardinality(String) COMMENT 'Region within the country.',
    city            LowCardinality(String) COMMENT 'City.',
    device_type     LowCardinality(String) COMMENT 'desktop, mobile, tablet, …',
    browser         LowCardinality(String) COMMENT 'Browser family.',
    browser_version LowCardinality(String) COMMENT 'Major version of the browser.',
    os              LowCardinality(String) COMMENT 'Operating system family.',
    os_version      LowCardinality(String) COMMENT 'Major version of the operating system.',
    asn             UInt32 COMMENT 'Autonomous system of the address, 0 if unknown.',
    ip              String CODEC(ZSTD(1)) COMMENT 'The address, truncated.',
    fingerprint_id  String CODEC(ZSTD(1)) COMMENT 'The device''s fingerprint, where consent allows one.',
    bot             Bool COMMENT 'A crawler or another machine.',
    revenue         Decimal(18, 4) CODEC(ZSTD(1)) COMMENT 'Money earned, 0 if none.',
    currency        LowCardinality(String) COMMENT 'ISO 4217 code of the revenue.',
    consent         LowCardinality(String) COMMENT 'The visitor''s answer, where asked.',
    clock           LowCardinality(String) COMMENT 'What was done to the time: empty, skewed or future.',
    imported        Bool COMMENT 'Sent with a key that may import.',
    properties      String DEFAULT '{}' CODEC(ZSTD(1)) COMMENT 'Anything else, as JSON text.',
    _log            LowCardinality(String) COMMENT 'Id of the raw log it came from.',
    _partition      UInt16 CODEC(ZSTD(1)) COMMENT 'Partition of that log.',
    _place          UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Place along that partition.',
    INDEX place _place TYPE minmax GRANULARITY 4,
    INDEX received received_at TYPE minmax GRANULARITY 4,
    PROJECTION stored
    (
        SELECT _log, _partition, toYYYYMM(ts), max(_place)
        GROUP BY _log, _partition, toYYYYMM(ts)
    )
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (site_id, toDate(ts), event, cityHash64(visitor_id), ts, event_id, _partition)
SETTINGS
    non_replicated_deduplication_window = 1000,
    deduplicate_merge_projection_mode = 'rebuild',
    lightweight_mutation_projection_mode = 'rebuild'
COMMENT 'Every event, once.';
