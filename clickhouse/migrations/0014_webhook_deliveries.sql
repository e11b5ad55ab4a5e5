-- Every attempt to tell a webhook of something. Rows are written at least once, and the last of each replaces the others.
CREATE TABLE IF NOT EXISTS webhook_deliveries
(
    site_id     LowCardinality(String) COMMENT 'The site.',
    at          DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'When the attempt began.',
    delivery_id String COMMENT 'The delivery: the same for all attempts to tell one webhook of one notice. Its webhook-id.',
    attempt     UInt32 COMMENT 'Which attempt at the delivery, from 1.',
    endpoint_id LowCardinality(String) COMMENT 'The webhook.',
    notice_id   String COMMENT 'The notice; of an alert rule that of alerts.id.',
    kind        LowCardinality(String) COMMENT 'Kind of the notice: alert.firing, summary.day.',
    verdict     LowCardinality(String) COMMENT 'delivered; again: it is tried again; refused; gone; unknown: the process ended before it was known.',
    status      Nullable(UInt16) COMMENT 'Status of the answer; none where nothing was answered.',
    ms          UInt32 CODEC(ZSTD(1)) COMMENT 'How long it took.',
    error       String CODEC(ZSTD(1)) COMMENT 'Why nothing was answered.',
    stored_at   DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was stored.'
)
ENGINE = ReplacingMergeTree
ORDER BY (site_id, at, delivery_id, attempt)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Attempts to tell webhooks.';

CREATE OR REPLACE VIEW {analytics:Identifier}.webhook_deliveries AS
SELECT
    site_id, at, delivery_id, attempt, endpoint_id, notice_id, kind, verdict, status, ms, error
FROM webhook_deliveries FINAL
COMMENT 'Attempts to tell webhooks: what was answered, and how long it took.';
