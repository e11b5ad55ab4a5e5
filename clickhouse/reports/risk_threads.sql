-- The events of visitors and of the client's own sessions among which there is a risky one, each with its session: to put the events
-- of all others in order would take a hundred times as long.
(
    SELECT
        *,
        if(session_id != '', concat('s', session_id), concat('v', visitor_id, '\0', toString(visit))) AS session
    FROM
    (
        SELECT
            *,
            sum(begins) OVER (PARTITION BY visitor_id, session_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
        FROM
        (
            SELECT
                *,
                dateDiff('millisecond', lagInFrame(ts) OVER (PARTITION BY visitor_id, session_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), ts) > 1800000 AS begins
            FROM $ranged AS ranged
            WHERE if(
                session_id != '',
                session_id IN (SELECT session_id FROM $ranged AS risky WHERE risk >= {least:UInt8} AND session_id != ''),
                visitor_id IN (SELECT visitor_id FROM $ranged AS risky WHERE risk >= {least:UInt8} AND session_id = '')
            )
        )
    )
)
