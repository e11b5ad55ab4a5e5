-- Of which devices and networks it was received within a week.
SELECT
    fingerprint_id,
    ip,
    asn,
    any(as_org) AS organisation,
    network,
    country,
    uniqExact(event_id) AS events,
    max(risk) AS most,
    min(received_at) AS first,
    max(received_at) AS last
FROM events
WHERE site_id = {site:String}
    AND received_at > fromUnixTimestamp64Milli({week:Int64})
    AND received_at <= fromUnixTimestamp64Milli({now:Int64})
    AND $condition
GROUP BY fingerprint_id, ip, asn, network, country
ORDER BY events DESC, last DESC, fingerprint_id ASC, ip ASC, asn ASC, network ASC, country ASC
LIMIT {limit:UInt32}
