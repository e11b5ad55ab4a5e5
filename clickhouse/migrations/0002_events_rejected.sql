-- What was refused after it had been accepted, and why; kept for 30 days. `_stage` is who refused it: `refine`
-- (by the contract) or `sink` (the store could not take the row); each has places of its own.
CREATE TABLE IF NOT EXISTS events_rejected
(
    site_id     LowCardinality(String) COMMENT 'The site, empty if the line names none.',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the collector received it.',
    reason      LowCardinality(String) COMMENT 'Why it was refused: one of a closed set.',
    field       LowCardinality(String) COMMENT 'The field at fault.',
    detail      String CODEC(ZSTD(1)) COMMENT 'The limit it broke, in words.',
    event_id    String CODEC(ZSTD(1)) COMMENT 'The event''s own id, if it had one.',
    line        String CODEC(ZSTD(1)) COMMENT 'The beginning of the refused line.',
    stored_at   DateTime('UTC') DEFAULT now() COMMENT 'When it was stored.',
    _stage      LowCardinality(String) COMMENT 'Who refused it: refine or sink.',
    _log        LowCardinality(String) COMMENT 'Id of the raw log it came from.',
    _partition  UInt16 COMMENT 'Partition of that log.',
    _place      UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'Place along that partition.',
    PROJECTION stored
    (
        SELECT _stage, _log, _partition, max(_place)
        GROUP BY _stage, _log, _partition
    )
)
ENGINE = MergeTree
ORDER BY (site_id, received_at)
TTL stored_at + INTERVAL 30 DAY
SETTINGS
    non_replicated_deduplication_window = 1000,
    lightweight_mutation_projection_mode = 'rebuild'
COMMENT 'What was refused after it had been accepted, and why.';
