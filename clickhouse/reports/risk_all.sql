-- How much speaks against those whose events these are.
SELECT
    count() AS events,
    uniqExact($visitor) AS visitors,
    countIf(bot) AS bots,
    min(ts) AS first,
    max(ts) AS last,
    avg(risk) AS mean,
    [
        max(risk), max(risk_vpn), max(risk_proxy), max(risk_tor), max(risk_relay), max(risk_bot), max(risk_tamper)
    ] AS most,
    [
        countIf(risk < {elevated:UInt8}),
        countIf(risk >= {elevated:UInt8} AND risk < {high:UInt8}),
        countIf(risk >= {high:UInt8} AND risk < {critical:UInt8}),
        countIf(risk >= {critical:UInt8})
    ] AS bands,
    argMax((ts, risk, risk_confidence, risk_reasons, risk_rules, network_days), (ts, toUInt128(event_id))) AS latest
FROM $rows
WHERE $filtered
