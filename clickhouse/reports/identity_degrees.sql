-- How many neighbours of each kind some nodes have.
SELECT near_kind, near, far_kind, uniq(far) AS neighbours
FROM $sighted
WHERE $filtered
GROUP BY near_kind, near, far_kind
