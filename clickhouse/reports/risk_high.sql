-- Sessions of which a first event of a high risk was received in a stretch of time, the earliest first.
SELECT
    if(session_id != '', concat('s', session_id), concat('v', visitor_id, '\0', toString(toDate(ts)))) AS who,
    min(received_at) AS first_received,
    argMin(
        (ts, session_id, visitor_id, event, path, country, network, asn, risk, risk_band, risk_confidence, risk_reasons, risk_rules),
        (received_at, toUInt128(event_id))
    ) AS first_event,
    count() OVER () AS sessions
FROM events
WHERE site_id = {site:String}
    AND ts >= fromUnixTimestamp64Milli({begin:Int64})
    AND risk >= {high:UInt8}
    AND NOT imported
GROUP BY who
HAVING first_received > fromUnixTimestamp64Milli({since:Int64})
ORDER BY first_received ASC, who ASC
LIMIT {limit:UInt32}
