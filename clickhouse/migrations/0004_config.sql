-- Sites, keys, rules and whatever else the control plane keeps, as last saved; a mirror of the topic pulse.config.
CREATE TABLE IF NOT EXISTS config
(
    kind      LowCardinality(String) COMMENT 'What it is: site, key, …',
    id        String COMMENT 'Its id.',
    value     String CODEC(ZSTD(1)) COMMENT 'The record, as JSON text; empty once it is deleted.',
    deleted   Bool COMMENT 'Whether it has been deleted.',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was stored.'
)
ENGINE = ReplacingMergeTree
ORDER BY (kind, id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What the control plane keeps, as last saved.';
