-- What is known of a device in all its time.
SELECT
    first,
    last,
    events,
    visitors,
    sessions,
    ips,
    asns,
    countries,
    most,
    vpn,
    (newest.ts, newest.risk, newest.risk_confidence, newest.risk_reasons, newest.risk_rules, newest.network_days) AS latest
FROM
(
    SELECT
        min(fingerprints.first_seen) AS first,
        max(fingerprints.last_seen) AS last,
        uniqCombined64Merge(fingerprints.events) AS events,
        uniqCombined64Merge(fingerprints.visitors) AS visitors,
        uniqCombined64Merge(fingerprints.sessions) AS sessions,
        uniqCombined64Merge(fingerprints.ips) AS ips,
        uniqCombined64Merge(fingerprints.asns) AS asns,
        uniqCombined64Merge(fingerprints.countries) AS countries,
        max(fingerprints.risk) AS most,
        max(fingerprints.risk_vpn) AS vpn,
        max(fingerprints.latest) AS newest
    FROM fingerprints
    WHERE site_id = {site:String} AND fingerprint_id = {fingerprint:String}
    GROUP BY site_id, fingerprint_id
)
