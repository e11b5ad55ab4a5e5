-- How much spoke against them, one stretch of time after the other, the newest first.
SELECT
    toUnixTimestamp($begin) * 1000 AS begins,
    count() AS events,
    uniqExact($visitor) AS visitors,
    countIf(bot) AS bots,
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
    argMax(risk, (ts, toUInt128(event_id))) AS last_risk,
    arraySort(arrayFilter(code -> code != '', groupUniqArrayArray(splitByChar(',', risk_reasons)))) AS codes
FROM $rows
WHERE $filtered
GROUP BY begins
ORDER BY begins DESC
LIMIT {limit:UInt32}
