-- What alert rules told: a mirror of the notices `alert.…` of the topic pulse.alerts. One that was told twice has one id.
CREATE TABLE IF NOT EXISTS alert_history
(
    site_id      LowCardinality(String) COMMENT 'The site.',
    id           String COMMENT 'Id of the notice, which follows from rule, group and window.',
    at           DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When it was told.',
    kind         LowCardinality(String) COMMENT 'firing, resolved or no_data.',
    rule_id      LowCardinality(String) COMMENT 'The rule.',
    rule         LowCardinality(String) COMMENT 'Its name then.',
    severity     LowCardinality(String) COMMENT 'info, warning or critical.',
    group        LowCardinality(String) COMMENT 'Which group of a rule that has several.',
    value        Nullable(Float64) COMMENT 'The value of the window.',
    low          Nullable(Float64) COMMENT 'Below which all would not be well.',
    high         Nullable(Float64) COMMENT 'Above which all would not be well.',
    window_start DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Beginning of the window.',
    window_end   DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'End of the window.',
    reason       String CODEC(ZSTD(1)) COMMENT 'Why, in words.',
    test         Bool COMMENT 'Whether it was told to try it out.',
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was stored.'
)
ENGINE = ReplacingMergeTree
ORDER BY (site_id, id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What alert rules told.';

CREATE OR REPLACE VIEW {analytics:Identifier}.alerts AS
SELECT
    site_id, id, at, kind, rule_id, rule, severity, group, value, low, high, window_start, window_end, reason, test
FROM alert_history FINAL
COMMENT 'What alert rules told: that they fire, that it is over, that no data comes.';
