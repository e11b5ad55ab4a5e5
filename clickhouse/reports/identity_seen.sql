-- Whether there is anything of a node, and what is known of it where it is a network.
SELECT count() AS events, argMax((network, asn, as_org, country), ts) AS place
FROM $rows
WHERE ($touching) AND $filtered
