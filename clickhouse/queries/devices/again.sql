-- What is known of devices by some stored events, once more: as the view `fingerprints_of_events` writes it.
INSERT INTO fingerprints
(
    site_id, fingerprint_id, first_seen, last_seen, events, visitors, sessions, ips, asns, countries, risk, risk_vpn, latest
)
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
    AND _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place BETWEEN {first:UInt64} AND {last:UInt64}
GROUP BY site_id, fingerprint_id
