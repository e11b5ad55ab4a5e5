-- Who was there on which days: a row for each quarter of somebody, with a bit for each day, of any event (`event` is empty)
-- and of each; what is in it twice is in it once. Rows with a `day` are of nobody: they count the site's events of that day, in
-- the same insert, so whoever asks can tell whether the rows are those of all events that are stored. Those among them with an
-- `event` are added by who makes rows anew, and are taken away again: meanwhile the numbers differ.
CREATE TABLE IF NOT EXISTS activity
(
    site_id    LowCardinality(String) COMMENT 'The site.',
    quarter    Date COMMENT 'First day of the quarter, in UTC.',
    day        UInt8 COMMENT 'Day of the quarter, from 1 on, whose events are counted; 0 where it is told who was there.',
    event      LowCardinality(String) COMMENT 'What happened; empty for anything.',
    bot        Bool COMMENT 'A crawler or another machine.',
    visitor    UInt128 COMMENT 'Hash of the visitor''s id.',
    person     UInt128 CODEC(ZSTD(1)) COMMENT 'Hash of the person''s id, of the visitor''s where none is named.',
    named      Bool COMMENT 'Whether the events name the person.',
    visitor_id SimpleAggregateFunction(any, String) CODEC(ZSTD(1)) COMMENT 'The browser or device.',
    days       SimpleAggregateFunction(groupBitOr, UInt128) COMMENT 'A bit for each day of the quarter, the lowest for the first.',
    events     SimpleAggregateFunction(sum, Int64) COMMENT 'How many events.',
    stored_at  SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'When the latest of a day''s events was stored.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
ORDER BY (site_id, day, event, visitor, person, named, bot)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Who was there on which days.';

CREATE MATERIALIZED VIEW IF NOT EXISTS activity_of_events TO activity AS
SELECT
    site_id,
    quarter,
    day,
    event,
    bot,
    if(day = 0, reinterpretAsUInt128(sipHash128(seen.visitor_id)), 0) AS visitor,
    if(day = 0, reinterpretAsUInt128(sipHash128(if(user_id = '', concat('v', seen.visitor_id), concat('u', user_id)))), 0) AS person,
    user_id != '' AS named,
    seen.visitor_id AS visitor_id,
    if(day = 0, bits, 0) AS days,
    if(day = 0, 0, toInt64(count)) AS events,
    if(day = 0, toDateTime64(0, 6, 'UTC'), now64(6)) AS stored_at
FROM
(
    SELECT
        site_id,
        quarter,
        day,
        event,
        bot,
        visitor_id,
        user_id,
        groupBitOr(bit) AS bits,
        count() AS count
    FROM
    (
        SELECT
            site_id,
            toStartOfQuarter(toDate(ts)) AS quarter,
            toUInt8(toDate(ts) - quarter + 1) AS day,
            bitShiftLeft(toUInt128(1), day - 1) AS bit,
            event,
            bot,
            visitor_id,
            user_id
        FROM events
    )
    GROUP BY GROUPING SETS
    (
        (site_id, quarter, event, bot, visitor_id, user_id),
        (site_id, quarter, bot, visitor_id, user_id),
        (site_id, quarter, day)
    )
) AS seen;

-- What was stored before: how many events, then who was there. An insert that the view has not seen may end meanwhile: then its
-- events are counted by nobody, which is noticed; counted last they would stand for rows that are not there.
INSERT INTO activity (site_id, quarter, day, events, stored_at)
SELECT
    site_id,
    toStartOfQuarter(toDate(ts)) AS quarter,
    toUInt8(toDate(ts) - quarter + 1) AS day,
    count() AS events,
    now64(6) AS stored_at
FROM events
WHERE (site_id, toDate(ts)) GLOBAL NOT IN
    (
        SELECT site_id, addDays(quarter, day - 1)
        FROM activity
        WHERE day > 0
    )
GROUP BY site_id, quarter, day
SETTINGS max_partitions_per_insert_block = 0;

INSERT INTO activity (site_id, quarter, day, event, bot, visitor, person, named, visitor_id, days)
SELECT
    site_id,
    toStartOfQuarter(date) AS quarter,
    0 AS day,
    arrayJoin(['', toString(seen.event)]) AS event,
    bot,
    reinterpretAsUInt128(sipHash128(seen.visitor_id)) AS visitor,
    reinterpretAsUInt128(sipHash128(if(user_id = '', concat('v', seen.visitor_id), concat('u', user_id)))) AS person,
    user_id != '' AS named,
    any(seen.visitor_id) AS visitor_id,
    groupBitOr(bitShiftLeft(toUInt128(1), date - quarter)) AS days
FROM
(
    SELECT site_id, toDate(ts) AS date, event, bot, visitor_id, user_id
    FROM events
) AS seen
GROUP BY site_id, quarter, day, event, bot, visitor, person, named
SETTINGS max_bytes_before_external_group_by = 1000000000, max_partitions_per_insert_block = 0;
