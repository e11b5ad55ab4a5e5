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
        parts[1].3.1.1 AS source,
        parts[1].3.1.2 AS visitor,
        arraySum(part -> part.3.2, parts) AS views,
        parts[-1].2 - parts[1].1 AS lasted_ms
    FROM $sessions
    WHERE arrayExists(part -> part.3.3, parts)
)
GROUP BY GROUPING SETS ((source), ())
ORDER BY total DESC, sessions DESC, source ASC
LIMIT {limit:UInt32} + 1
