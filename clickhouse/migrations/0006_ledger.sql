-- What was received in each minute, and what became of it, for each site. `_applied` says up to which places the
-- entries are in: log:partition → place; `_began` from which on. Both stand in one row of each month, that of the
-- empty site at the month's beginning; under the empty site, too, stand lines that name none.
CREATE TABLE IF NOT EXISTS ledger_minute
(
    site_id    LowCardinality(String) COMMENT 'The site, empty if the line names none.',
    minute     DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'Beginning of the minute in which the collector received it.',
    received   SimpleAggregateFunction(sum, UInt64) COMMENT 'How many events came out of the raw log.',
    kept       SimpleAggregateFunction(sum, UInt64) COMMENT 'How many of them were refined and written.',
    duplicates SimpleAggregateFunction(sum, UInt64) COMMENT 'How many had been received before.',
    rejected   SimpleAggregateFunction(sum, UInt64) COMMENT 'How many were refused by refinement.',
    unstorable SimpleAggregateFunction(sum, UInt64) COMMENT 'How many of those kept the store could not take.',
    _applied   SimpleAggregateFunction(maxMap, Map(String, UInt64)) COMMENT 'Up to which places the entries are in.',
    _began     SimpleAggregateFunction(minMap, Map(String, UInt64)) COMMENT 'From which places on they are.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (site_id, minute)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What was received in each minute, and what became of it.';

CREATE OR REPLACE VIEW {analytics:Identifier}.ledger AS
SELECT
    site_id,
    minute,
    sum(ledger_minute.received) AS received,
    sum(ledger_minute.kept) - sum(ledger_minute.unstorable) AS stored,
    sum(ledger_minute.duplicates) AS duplicates,
    sum(ledger_minute.rejected) + sum(ledger_minute.unstorable) AS rejected,
    received - stored - duplicates - rejected AS difference
FROM ledger_minute
GROUP BY site_id, minute
HAVING received > 0
COMMENT 'What was received in each minute (received_at), and what became of it as the stream says; the difference is 0.';

CREATE OR REPLACE VIEW {analytics:Identifier}.ledger_checked AS
WITH (SELECT minMap(_began) FROM ledger_minute WHERE site_id = '') AS began
SELECT
    site_id,
    minute,
    sum(entered) AS received,
    sum(counted) AS stored,
    sum(repeated) AS duplicates,
    sum(refused) AS rejected,
    received - stored - duplicates - rejected AS difference
FROM
(
    SELECT
        site_id,
        minute,
        sum(ledger_minute.received) AS entered,
        0 AS counted,
        sum(ledger_minute.duplicates) AS repeated,
        sum(ledger_minute.rejected) + sum(ledger_minute.unstorable) AS refused
    FROM ledger_minute
    GROUP BY site_id, minute
    UNION ALL
    SELECT site_id, toDateTime(toStartOfMinute(received_at), 'UTC') AS minute, 0, count(), 0, 0
    FROM events
    WHERE mapContains(began, concat(_log, ':', toString(_partition)))
        AND _place >= began[concat(_log, ':', toString(_partition))]
    GROUP BY site_id, minute
)
GROUP BY site_id, minute
HAVING received > 0 OR stored > 0
COMMENT 'As ledger, but stored is counted from the events themselves: restrict site_id and minute. Events from before there was a ledger do not count.';
