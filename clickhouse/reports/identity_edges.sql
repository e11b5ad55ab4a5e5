-- What leads from some nodes to others, the busiest first, so many to each kind of neighbour, and how many of these there are.
SELECT
    near_kind,
    near,
    far_kind,
    far,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    count() AS events,
    max(risk) AS most_risk,
    argMax((network, asn, as_org, country), ts) AS place,
    count() OVER (PARTITION BY near_kind, near, far_kind) AS neighbours
FROM $sighted
WHERE $filtered
GROUP BY near_kind, near, far_kind, far
ORDER BY near_kind ASC, near ASC, events DESC, far_kind ASC, far ASC
LIMIT {each:UInt32} BY near_kind, near, far_kind
