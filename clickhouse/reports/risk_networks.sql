-- Where they came from.
SELECT
    network,
    asn,
    as_org,
    country,
    count() AS events,
    uniqExact($visitor) AS visitors,
    max(risk) AS most,
    min(ts) AS first,
    max(ts) AS last
FROM $rows
WHERE $filtered
GROUP BY network, asn, as_org, country
ORDER BY events DESC, network ASC, asn ASC, as_org ASC, country ASC
LIMIT {limit:UInt32}
