-- Pages by their views, with what sessions did there: `total` is the row of all pages.
SELECT
    toUInt8(grouping(path)) AS total,
    path,
    count() AS views,
    uniqExact(visitor_id) AS visitors,
    countIf(place = 1) AS entries,
    countIf(place = length) AS exits,
    countIf(length = 1) / nullIf(entries, 0) AS bounce_rate,
    avg(if(place < length, dateDiff('millisecond', ts, following), NULL)) / 1000 AS seconds,
    count() OVER (PARTITION BY total) AS pages
FROM
(
    SELECT
        path, visitor_id, ts, passes, length,
        row_number() OVER (PARTITION BY session ORDER BY ts ASC, event_id ASC) AS place,
        leadInFrame(ts) OVER (PARTITION BY session ORDER BY ts ASC, event_id ASC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS following
    FROM
    (
        SELECT session, path, visitor_id, ts, event_id, $filtered AS passes, count() OVER (PARTITION BY session) AS length
        FROM $rows
        WHERE event = 'page_view'
    )
)
WHERE passes
GROUP BY GROUPING SETS ((path), ())
ORDER BY total DESC, views DESC, path ASC
LIMIT {limit:UInt32} + 1
