-- The pages with the most views: who saw them, how many sessions began and ended there.
SELECT path, views, visitors, entries, exits
FROM
(
    SELECT path, count() AS views, uniqExact(sipHash64(visitor_id)) AS visitors
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND event = 'page_view'
    GROUP BY path
) AS seen
LEFT JOIN
(
    SELECT place AS path, countIf(is_entry) AS entries, countIf(NOT is_entry) AS exits
    FROM
    (
        SELECT arrayJoin([(argMin(path, moment), true), (argMax(path, moment), false)]) AS one, one.1 AS place, one.2 AS is_entry
        FROM
        (
            SELECT path, (ts, toUInt128(event_id)) AS moment, session_id
            FROM events
            WHERE site_id = {site:String}
                AND ts >= fromUnixTimestamp64Milli({start:Int64})
                AND ts < fromUnixTimestamp64Milli({end:Int64})
                AND event = 'page_view'
        )
        GROUP BY sipHash64(session_id)
    )
    GROUP BY path
) AS done USING path
ORDER BY views DESC, path ASC
LIMIT 100
