(
    SELECT
        site_id, event, ts, country, device_type, risk_band,
        if(session_id != '', concat('s', session_id), concat('v', visitor_id, '\0', toString(visit))) AS who
    FROM
    (
        SELECT
            *,
            sum(begins) OVER (PARTITION BY site_id, visitor_id, session_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
        FROM
        (
            SELECT
                site_id, event, ts, country, device_type, risk_band, visitor_id, session_id,
                dateDiff('millisecond', lagInFrame(ts) OVER (PARTITION BY site_id, visitor_id, session_id ORDER BY ts ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), ts) > 1800000 AS begins
            FROM events
            WHERE site_id IN {sites:Array(String)}
                AND ts >= fromUnixTimestamp64Milli({start:Int64})
                AND ts < fromUnixTimestamp64Milli({end:Int64})
        )
    )
)
