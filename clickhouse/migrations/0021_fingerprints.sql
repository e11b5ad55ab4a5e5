-- What is known of each device that named a fingerprint: when it was seen first and last, how much came from it and from how many
-- places, the highest verdict and the latest. Numbers of different things are exact up to some thousands, and near beyond. Rows are
-- merged; what is in it twice is there once, so that neither order nor repetition of events changes anything.
CREATE TABLE IF NOT EXISTS fingerprints
(
    site_id        LowCardinality(String) COMMENT 'The site.',
    fingerprint_id String CODEC(ZSTD(1)) COMMENT 'The device''s fingerprint.',
    first_seen     SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'When its first event happened.',
    last_seen      SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'When its last event happened.',
    events         AggregateFunction(uniqCombined64, UUID) COMMENT 'How many events.',
    visitors       AggregateFunction(uniqCombined64, String) COMMENT 'Under how many visitors'' ids.',
    sessions       AggregateFunction(uniqCombined64, String) COMMENT 'In how many of the client''s own sessions.',
    ips            AggregateFunction(uniqCombined64, String) COMMENT 'From how many networks, addresses being kept no finer.',
    asns           AggregateFunction(uniqCombined64, UInt32) COMMENT 'From how many autonomous systems.',
    countries      AggregateFunction(uniqCombined64, String) COMMENT 'From how many countries.',
    risk           SimpleAggregateFunction(max, UInt8) COMMENT 'The highest risk of an event, 0 to 100.',
    risk_vpn       SimpleAggregateFunction(max, UInt8) COMMENT 'The highest score of a VPN.',
    latest         SimpleAggregateFunction(max, Tuple(ts DateTime64(3, 'UTC'), number UInt128, risk UInt8, risk_band String, risk_confidence String, risk_reasons String, risk_rules String, network_days UInt16, ip String, asn UInt32, as_org String, network String, country String)) COMMENT 'The latest event: its time, its id as a number, its verdict, where it came from.'
)
ENGINE = AggregatingMergeTree
ORDER BY (site_id, fingerprint_id)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What is known of each device that named a fingerprint.';

CREATE MATERIALIZED VIEW IF NOT EXISTS fingerprints_of_events TO fingerprints AS
SELECT
    site_id,
    seen.fingerprint_id AS fingerprint_id,
    min(seen.ts) AS first_seen,
    max(seen.ts) AS last_seen,
    uniqCombined64State(seen.event_id) AS events,
    uniqCombined64StateIf(seen.visitor_id, seen.visitor_id != '') AS visitors,
    uniqCombined64StateIf(seen.session_id, seen.session_id != '') AS sessions,
    uniqCombined64StateIf(seen.ip, seen.ip != '') AS ips,
    uniqCombined64StateIf(seen.asn, seen.asn != 0) AS asns,
    uniqCombined64StateIf(toString(seen.country), seen.country != '') AS countries,
    max(seen.risk) AS risk,
    max(seen.risk_vpn) AS risk_vpn,
    max(
        (
            seen.ts, toUInt128(seen.event_id), seen.risk, toString(seen.risk_band), toString(seen.risk_confidence),
            toString(seen.risk_reasons), toString(seen.risk_rules), seen.network_days, seen.ip, seen.asn,
            toString(seen.as_org), toString(seen.network), toString(seen.country)
        )
    ) AS latest
FROM events AS seen
WHERE seen.fingerprint_id != ''
GROUP BY site_id, fingerprint_id;

-- What was stored before.
INSERT INTO fingerprints (site_id, fingerprint_id, first_seen, last_seen, events, visitors, sessions, ips, asns, countries, risk, risk_vpn, latest)
SELECT
    site_id,
    seen.fingerprint_id AS fingerprint_id,
    min(seen.ts) AS first_seen,
    max(seen.ts) AS last_seen,
    uniqCombined64State(seen.event_id) AS events,
    uniqCombined64StateIf(seen.visitor_id, seen.visitor_id != '') AS visitors,
    uniqCombined64StateIf(seen.session_id, seen.session_id != '') AS sessions,
    uniqCombined64StateIf(seen.ip, seen.ip != '') AS ips,
    uniqCombined64StateIf(seen.asn, seen.asn != 0) AS asns,
    uniqCombined64StateIf(toString(seen.country), seen.country != '') AS countries,
    max(seen.risk) AS risk,
    max(seen.risk_vpn) AS risk_vpn,
    max(
        (
            seen.ts, toUInt128(seen.event_id), seen.risk, toString(seen.risk_band), toString(seen.risk_confidence),
            toString(seen.risk_reasons), toString(seen.risk_rules), seen.network_days, seen.ip, seen.asn,
            toString(seen.as_org), toString(seen.network), toString(seen.country)
        )
    ) AS latest
FROM events AS seen
WHERE seen.fingerprint_id != ''
GROUP BY site_id, fingerprint_id
SETTINGS max_bytes_before_external_group_by = 1000000000;

-- A device is looked up among all events of its site; parts from before this are searched whole until they are merged.
ALTER TABLE events ADD INDEX IF NOT EXISTS fingerprint fingerprint_id TYPE bloom_filter(0.01) GRANULARITY 4;

CREATE OR REPLACE VIEW {analytics:Identifier}.fingerprints
(
    site_id         LowCardinality(String) COMMENT 'The site.',
    fingerprint_id  String COMMENT 'The device''s fingerprint.',
    first_seen      DateTime64(3, 'UTC') COMMENT 'When its first event happened.',
    last_seen       DateTime64(3, 'UTC') COMMENT 'When its last event happened.',
    events          UInt64 COMMENT 'How many events.',
    total_visitors  UInt64 COMMENT 'Under how many visitors'' ids.',
    total_sessions  UInt64 COMMENT 'In how many of the client''s own sessions.',
    total_ips       UInt64 COMMENT 'From how many networks.',
    total_asns      UInt64 COMMENT 'From how many autonomous systems.',
    total_countries UInt64 COMMENT 'From how many countries.',
    risk            UInt8 COMMENT 'The highest risk of an event, 0 to 100.',
    vpn_suspected   UInt8 COMMENT 'The highest score of a VPN, 0 to 100.',
    last_risk       UInt8 COMMENT 'The risk of the latest event.',
    last_reasons    String COMMENT 'Codes of what speaks against it, the weightiest first, with commas between.'
) AS
SELECT
    site_id,
    fingerprint_id,
    min(fingerprints.first_seen) AS first_seen,
    max(fingerprints.last_seen) AS last_seen,
    uniqCombined64Merge(fingerprints.events) AS events,
    uniqCombined64Merge(fingerprints.visitors) AS total_visitors,
    uniqCombined64Merge(fingerprints.sessions) AS total_sessions,
    uniqCombined64Merge(fingerprints.ips) AS total_ips,
    uniqCombined64Merge(fingerprints.asns) AS total_asns,
    uniqCombined64Merge(fingerprints.countries) AS total_countries,
    max(fingerprints.risk) AS risk,
    max(fingerprints.risk_vpn) AS vpn_suspected,
    (max(fingerprints.latest) AS newest).risk AS last_risk,
    newest.risk_reasons AS last_reasons
FROM fingerprints
GROUP BY site_id, fingerprint_id
COMMENT 'What is known of each device that named a fingerprint.';
