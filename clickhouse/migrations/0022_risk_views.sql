-- What analysts ask of devices and of risk over time, told from the events when it is asked: exact also after a replay, and without
-- a row more for each event.
CREATE OR REPLACE VIEW {analytics:Identifier}.identity_network
(
    site_id        LowCardinality(String) COMMENT 'The site.',
    fingerprint_id String COMMENT 'The device''s fingerprint.',
    ip             String COMMENT 'The network that it was in: an address, truncated.',
    asn            UInt32 COMMENT 'Autonomous system of the address, 0 if unknown.',
    country        LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    first_seen     DateTime64(3, 'UTC') COMMENT 'When the device was seen there first.',
    last_seen      DateTime64(3, 'UTC') COMMENT 'When it was seen there last.'
) AS
SELECT
    site_id,
    fingerprint_id,
    ip,
    asn,
    country,
    min(ts) AS first_seen,
    max(ts) AS last_seen
FROM events
WHERE fingerprint_id != ''
GROUP BY site_id, fingerprint_id, ip, asn, country
COMMENT 'Which devices were in which networks, autonomous systems and countries.';

CREATE OR REPLACE VIEW {analytics:Identifier}.risk_scores
(
    site_id        LowCardinality(String) COMMENT 'The site.',
    day            Date COMMENT 'The day, UTC.',
    visitor_id     String COMMENT 'The browser or device.',
    fingerprint_id String COMMENT 'The device''s fingerprint, where consent allows one.',
    events         UInt64 COMMENT 'How many events.',
    mean           Float64 COMMENT 'The mean risk of an event.',
    risk           UInt8 COMMENT 'The highest risk of an event, 0 to 100.',
    latest         UInt8 COMMENT 'The risk of the day''s last event.',
    risk_vpn       UInt8 COMMENT 'The highest such score. Likewise the next five.',
    risk_proxy     UInt8 COMMENT 'How likely it went through somebody else''s device.',
    risk_tor       UInt8 COMMENT 'How likely it came through Tor.',
    risk_relay     UInt8 COMMENT 'How likely it came through a privacy relay.',
    risk_bot       UInt8 COMMENT 'How likely a program drove it.',
    risk_tamper    UInt8 COMMENT 'How likely it was made to look like another.',
    risk_reasons   Array(String) COMMENT 'Codes of all that spoke against it.'
) AS
SELECT
    seen.site_id AS site_id,
    toDate(seen.ts) AS day,
    seen.visitor_id AS visitor_id,
    seen.fingerprint_id AS fingerprint_id,
    count() AS events,
    avg(seen.risk) AS mean,
    max(seen.risk) AS risk,
    argMax(seen.risk, (seen.ts, toUInt128(seen.event_id))) AS latest,
    max(seen.risk_vpn) AS risk_vpn,
    max(seen.risk_proxy) AS risk_proxy,
    max(seen.risk_tor) AS risk_tor,
    max(seen.risk_relay) AS risk_relay,
    max(seen.risk_bot) AS risk_bot,
    max(seen.risk_tamper) AS risk_tamper,
    arraySort(arrayFilter(code -> code != '', groupUniqArrayArray(splitByChar(',', toString(seen.risk_reasons))))) AS risk_reasons
FROM events AS seen
GROUP BY site_id, day, visitor_id, fingerprint_id
COMMENT 'How much spoke against each visitor and device, day by day.';
