-- Sessions of which a first event of a high risk was received in a stretch of time: the earliest of each quarter of an hour, with
-- their rank in it and how many there are. What was before the stretch is looked at for those alone that were risky in it.
SELECT
    any(chosen.who) AS who,
    any(chosen.first_received) AS first_received,
    argMin(
        (ts, session_id, visitor_id, event, path, country, network, asn, risk, risk_band, risk_confidence, risk_reasons, risk_rules),
        (received_at, toUInt128(event_id))
    ) AS first_event,
    any(chosen.quarter) AS quarter,
    any(chosen.place) AS place,
    any(chosen.sessions) AS sessions
FROM $risky AS risky
INNER JOIN
(
    SELECT
        hash,
        who,
        first_received,
        toUnixTimestamp64Milli(first_received) - toUnixTimestamp64Milli(first_received) % 900000 AS quarter,
        row_number() OVER (PARTITION BY quarter ORDER BY first_received ASC, hash ASC) AS place,
        count() OVER (PARTITION BY quarter) AS sessions
    FROM
    (
        SELECT hash, any($who) AS who, min(received_at) AS first_received
        FROM $risky AS risky
        WHERE (session_id, visitor_id) IN
            (
                SELECT session_id, visitor_id
                FROM events
                WHERE site_id = {site:String}
                    AND ts >= fromUnixTimestamp64Milli({begin:Int64})
                    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
                    AND received_at < fromUnixTimestamp64Milli({until:Int64})
                    AND risk >= {high:UInt8}
                    AND NOT imported
            )
        GROUP BY hash
        HAVING first_received >= fromUnixTimestamp64Milli({since:Int64})
    )
    QUALIFY place <= {limit:UInt32}
) AS chosen ON risky.hash = chosen.hash
GROUP BY risky.hash
ORDER BY first_received ASC, risky.hash ASC
