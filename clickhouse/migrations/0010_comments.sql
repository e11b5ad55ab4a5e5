-- Every column of the views says what it is, also to DESCRIBE and to tools that show it.

CREATE OR REPLACE VIEW {analytics:Identifier}.events
(
    site_id         LowCardinality(String) COMMENT 'The site.',
    event           LowCardinality(String) COMMENT 'What happened.',
    ts              DateTime64(3, 'UTC') COMMENT 'When it happened, corrected for the client''s clock.',
    received_at     DateTime64(3, 'UTC') COMMENT 'When the collector received it.',
    sent_at         Nullable(DateTime64(3, 'UTC')) COMMENT 'When the client sent it, by the client''s clock.',
    event_id        UUID COMMENT 'The event''s own id.',
    visitor_id      String COMMENT 'The browser or device.',
    user_id         String COMMENT 'The person, once known.',
    session_id      String COMMENT 'The client''s own session.',
    url             String COMMENT 'The page''s address.',
    host            LowCardinality(String) COMMENT 'Host of the url.',
    path            String COMMENT 'Path of the url.',
    referrer        String COMMENT 'Where the visitor came from.',
    referrer_host   LowCardinality(String) COMMENT 'Host of the referrer, empty where it is the site''s own.',
    channel         LowCardinality(String) COMMENT 'Acquisition channel.',
    title           String COMMENT 'The page''s title.',
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
    ip              String COMMENT 'The address, truncated.',
    fingerprint_id  String COMMENT 'The device''s fingerprint, where consent allows one.',
    bot             Bool COMMENT 'A crawler or another machine.',
    revenue         Decimal(18, 4) COMMENT 'Money earned, 0 if none.',
    currency        LowCardinality(String) COMMENT 'ISO 4217 code of the revenue.',
    consent         LowCardinality(String) COMMENT 'The visitor''s answer, where asked.',
    clock           LowCardinality(String) COMMENT 'What was done to the time: empty, skewed or future.',
    imported        Bool COMMENT 'Sent with a key that may import.',
    properties      String COMMENT 'Anything else, as JSON text: JSONExtractString(properties, ''name'').'
) AS
SELECT
    site_id, event, ts, received_at, sent_at, event_id, visitor_id, user_id, session_id,
    url, host, path, referrer, referrer_host, channel, title,
    utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    screen, language, timezone, country, region, city,
    device_type, browser, browser_version, os, os_version, asn, ip, fingerprint_id,
    bot, revenue, currency, consent, clock, imported, properties
FROM events
COMMENT 'Every event. Times are UTC; properties are JSON text: JSONExtractString(properties, ''name'').';

CREATE OR REPLACE VIEW {analytics:Identifier}.metrics_minute
(
    site_id     LowCardinality(String) COMMENT 'The site.',
    minute      DateTime('UTC') COMMENT 'Beginning of the minute of the events'' own time.',
    event       LowCardinality(String) COMMENT 'What happened.',
    country     LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, …',
    currency    LowCardinality(String) COMMENT 'ISO 4217 code of the revenue.',
    events      UInt64 COMMENT 'How many events.',
    bots        UInt64 COMMENT 'How many of them by bots.',
    revenue     Decimal(38, 4) COMMENT 'Money earned.'
) AS
SELECT
    site_id, minute, event, country, device_type, currency,
    sum(events) AS events,
    sum(bots) AS bots,
    sum(revenue) AS revenue
FROM metrics_minute
WHERE site_id != ''
GROUP BY site_id, minute, event, country, device_type, currency
COMMENT 'One row for each site, minute, event, country, device type and currency: events, those by bots, revenue.';

CREATE OR REPLACE VIEW {analytics:Identifier}.rejected
(
    site_id     LowCardinality(String) COMMENT 'The site, empty if the line names none.',
    received_at DateTime64(3, 'UTC') COMMENT 'When the collector received it.',
    reason      LowCardinality(String) COMMENT 'Why it was refused: one of a closed set.',
    field       LowCardinality(String) COMMENT 'The field at fault.',
    detail      String COMMENT 'The limit it broke, in words.',
    event_id    String COMMENT 'The event''s own id, if it had one.',
    line        String COMMENT 'The beginning of the refused line.',
    stored_at   DateTime('UTC') COMMENT 'When it was stored.'
) AS
SELECT site_id, received_at, reason, field, detail, event_id, line, stored_at
FROM events_rejected
COMMENT 'What was refused after it had been accepted, and why; kept for 30 days.';

CREATE OR REPLACE VIEW {analytics:Identifier}.config
(
    kind      LowCardinality(String) COMMENT 'What it is: site, key, …',
    id        String COMMENT 'Its id.',
    value     String COMMENT 'The record, as JSON text; empty once it is deleted.',
    stored_at DateTime64(3, 'UTC') COMMENT 'When it was stored.'
) AS
SELECT kind, id, value, stored_at
FROM config FINAL
WHERE NOT deleted AND kind != 'key'
COMMENT 'Sites and whatever else the control plane keeps but keys, as last saved; value is JSON text.';

CREATE OR REPLACE VIEW {analytics:Identifier}.ledger
(
    site_id    LowCardinality(String) COMMENT 'The site, empty if the line names none.',
    minute     DateTime('UTC') COMMENT 'Beginning of the minute in which the collector received it.',
    received   UInt64 COMMENT 'How many events came out of the raw log.',
    stored     Int64 COMMENT 'How many are stored.',
    duplicates UInt64 COMMENT 'How many had been received before.',
    rejected   UInt64 COMMENT 'How many were refused, by refinement or by the store.',
    difference Int64 COMMENT 'Received less all the others.'
) AS
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

CREATE OR REPLACE VIEW {analytics:Identifier}.ledger_checked
(
    site_id    LowCardinality(String) COMMENT 'The site, empty if the line names none.',
    minute     DateTime('UTC') COMMENT 'Beginning of the minute in which the collector received it.',
    received   UInt64 COMMENT 'How many events came out of the raw log.',
    stored     UInt64 COMMENT 'How many are stored.',
    duplicates UInt64 COMMENT 'How many had been received before.',
    rejected   UInt64 COMMENT 'How many were refused, by refinement or by the store.',
    difference Int64 COMMENT 'Received less all the others.'
) AS
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
