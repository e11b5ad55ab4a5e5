-- Sums for each site, minute, event and main dimensions. `_applied` says up to which places the rollup's partials are in:
-- log:metrics partition:source partition → place. It stands in one row of each month, that of the empty site, which
-- counts nothing and which the sorting key finds at once.
CREATE TABLE IF NOT EXISTS metrics_minute
(
    site_id     LowCardinality(String) COMMENT 'The site.',
    minute      DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Beginning of the minute of the events'' own time.',
    event       LowCardinality(String) COMMENT 'What happened.',
    country     LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, …',
    currency    LowCardinality(String) COMMENT 'ISO 4217 code of the revenue.',
    events      SimpleAggregateFunction(sum, UInt64) COMMENT 'How many events.',
    bots        SimpleAggregateFunction(sum, UInt64) COMMENT 'How many of them by bots.',
    revenue     SimpleAggregateFunction(sum, Decimal(38, 4)) COMMENT 'Money earned.',
    _applied    SimpleAggregateFunction(maxMap, Map(String, UInt64)) COMMENT 'Up to which places the partials are in.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (site_id, minute, event, country, device_type, currency)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Sums for each site, minute, event and main dimensions.';
