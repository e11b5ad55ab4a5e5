-- Sessions by where their first event came from: `total` is the row of all of them.
SELECT
    toUInt8(grouping(source)) AS total,
    source,
    count() AS sessions,
    uniqExact(visitor) AS visitors,
    sum(views) AS pageviews,
    countIf(views = 1) / nullIf(countIf(views > 0), 0) AS bounce_rate,
    sum(lasted_ms) / nullIf(sessions, 0) / 1000 AS session_duration,
    count() OVER (PARTITION BY total) AS sources
FROM
(
    SELECT
        argMin($field, (ts, event_id)) AS source,
        argMin(visitor_id, (ts, event_id)) AS visitor,
        countIf(event = 'page_view') AS views,
        dateDiff('millisecond', min(ts), max(ts)) AS lasted_ms
    FROM $rows
    GROUP BY session
    HAVING countIf($filtered) > 0
)
GROUP BY GROUPING SETS ((source), ())
ORDER BY total DESC, sessions DESC, source ASC
LIMIT {limit:UInt32} + 1
