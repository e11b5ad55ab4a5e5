-- Sessions of which much speaks against, the most first, each with the event that shows it.
SELECT
    any(session_id) AS named,
    any(visitor_id) AS visitor,
    max(user_id) AS person,
    min(ts) AS began,
    max(ts) AS ended,
    count() AS events,
    countIf(risk >= {high:UInt8}) AS risky_events,
    [
        max(risk), max(risk_vpn), max(risk_proxy), max(risk_tor), max(risk_relay), max(risk_bot), max(risk_tamper)
    ] AS most,
    arraySort(arrayFilter(code -> code != '', groupUniqArrayArray(splitByChar(',', risk_reasons)))) AS codes,
    argMax(
        (ts, toString(event_id), event, path, risk, risk_band, risk_confidence, risk_reasons, risk_rules, network_days,
            network, asn, as_org, country, fingerprint_id, browser, os, bot, bot_name),
        (risk, ts, toUInt128(event_id))
    ) AS evidence
FROM $rows
WHERE $filtered
GROUP BY session
HAVING max(risk) >= {least:UInt8}
ORDER BY most[1] DESC, risky_events DESC, ended DESC, session ASC
LIMIT {limit:UInt32}
