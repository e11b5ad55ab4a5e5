-- How much was received of it within an hour, a day and a week: of each different ones; a repetition that is not merged yet counts once.
SELECT
    (
        uniqExactIf(event_id, at > {hour:Int64}),
        uniqExactIf(visitor_id, at > {hour:Int64} AND visitor_id != ''),
        uniqExactIf(fingerprint_id, at > {hour:Int64} AND fingerprint_id != ''),
        uniqExactIf(session_id, at > {hour:Int64} AND session_id != ''),
        uniqExactIf(session_id, begun > {hour:Int64} AND session_id != ''),
        uniqExactIf(ip, at > {hour:Int64} AND ip != ''),
        uniqExactIf(asn, at > {hour:Int64} AND asn != 0),
        uniqExactIf(country, at > {hour:Int64} AND country != '')
    ) AS hour,
    (
        uniqExactIf(event_id, at > {day:Int64}),
        uniqExactIf(visitor_id, at > {day:Int64} AND visitor_id != ''),
        uniqExactIf(fingerprint_id, at > {day:Int64} AND fingerprint_id != ''),
        uniqExactIf(session_id, at > {day:Int64} AND session_id != ''),
        uniqExactIf(session_id, begun > {day:Int64} AND session_id != ''),
        uniqExactIf(ip, at > {day:Int64} AND ip != ''),
        uniqExactIf(asn, at > {day:Int64} AND asn != 0),
        uniqExactIf(country, at > {day:Int64} AND country != '')
    ) AS day,
    (
        uniqExact(event_id),
        uniqExactIf(visitor_id, visitor_id != ''),
        uniqExactIf(fingerprint_id, fingerprint_id != ''),
        uniqExactIf(session_id, session_id != ''),
        uniqExactIf(session_id, session_id != ''),
        uniqExactIf(ip, ip != ''),
        uniqExactIf(asn, asn != 0),
        uniqExactIf(country, country != '')
    ) AS week
FROM
(
    SELECT
        event_id,
        visitor_id,
        fingerprint_id,
        session_id,
        ip,
        asn,
        toString(country) AS country,
        toUnixTimestamp64Milli(received_at) AS at,
        min(at) OVER (PARTITION BY session_id) AS begun
    FROM events
    WHERE site_id = {site:String}
        AND received_at > fromUnixTimestamp64Milli({week:Int64})
        AND received_at <= fromUnixTimestamp64Milli({now:Int64})
        AND $condition
)
