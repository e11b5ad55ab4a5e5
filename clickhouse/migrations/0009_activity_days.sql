-- In which hours of which days each visitor and each person was there: what retention, lifecycle and stickiness read instead
-- of events. Bits are united, so that an event that is entered twice changes nothing. Ids are kept as hashes, which are all
-- that counting needs. `_until` says up to where the events of a source are in: it stands in one row of each month and
-- source, under the empty site, with the source's hash as visitor; by it a starting sink enters what a crash has left out.
CREATE TABLE IF NOT EXISTS activity_days
(
    site_id   LowCardinality(String) COMMENT 'The site.',
    visitor   UInt64 COMMENT 'cityHash64 of the visitor''s id.',
    person    UInt64 COMMENT 'cityHash64 of u and the user''s id, or of v and the visitor''s where no user is known.',
    day       Date CODEC(Delta, ZSTD(1)) COMMENT 'The day, UTC.',
    hours     SimpleAggregateFunction(groupBitOr, UInt32) COMMENT 'Bit n is set if something happened in hour n of the day, but by a bot.',
    bot_hours SimpleAggregateFunction(groupBitOr, UInt32) COMMENT 'The same by bots.',
    _until    SimpleAggregateFunction(max, UInt64) COMMENT 'Below which place the events of a source are in.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site_id, visitor, person, day)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'In which hours of which days each visitor and each person was there.';

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_days_of_events TO activity_days AS
SELECT
    entry.1 AS site_id,
    entry.2 AS visitor,
    entry.3 AS person,
    entry.4 AS day,
    groupBitOr(entry.5) AS hours,
    groupBitOr(entry.6) AS bot_hours,
    max(entry.7) AS _until
FROM
(
    SELECT
        bitShiftLeft(toUInt32(1), toHour(ts)) AS hour,
        cityHash64(concat(_log, ':', toString(_partition))) AS source,
        cityHash64(if(user_id = '', concat('v', visitor_id), concat('u', user_id))) AS person,
        arrayJoin([
            (toString(site_id), cityHash64(visitor_id), person, toDate(ts), if(bot, 0, hour), if(bot, hour, 0), toUInt64(0)),
            ('', source, toUInt64(0), toStartOfMonth(ts), 0, 0, _place + 1)
        ]) AS entry
    FROM events
)
GROUP BY site_id, visitor, person, day;

INSERT INTO activity_days (site_id, visitor, person, day, hours, bot_hours, _until)
SELECT entry.1, entry.2, entry.3, entry.4, entry.5, entry.6, entry.7
FROM
(
    SELECT
        bitShiftLeft(toUInt32(1), toHour(ts)) AS hour,
        cityHash64(concat(_log, ':', toString(_partition))) AS source,
        cityHash64(if(user_id = '', concat('v', visitor_id), concat('u', user_id))) AS person,
        arrayJoin([
            (toString(site_id), cityHash64(visitor_id), person, toDate(ts), if(bot, 0, hour), if(bot, hour, 0), toUInt64(0)),
            ('', source, toUInt64(0), toStartOfMonth(ts), 0, 0, _place + 1)
        ]) AS entry
    FROM events
)
SETTINGS max_partitions_per_insert_block = 0, parallel_distributed_insert_select = 2
