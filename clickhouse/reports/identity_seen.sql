-- Whether there is anything of a node.
SELECT
    count() AS events,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    argMax((network, asn, as_org, country), ts) AS place
FROM $rows
WHERE (
        has({visitors:Array(String)}, visitor_id)
        OR has({users:Array(String)}, user_id)
        OR has({fingerprints:Array(String)}, fingerprint_id)
        OR has({networks:Array(String)}, ip)
    )
    AND $filtered
