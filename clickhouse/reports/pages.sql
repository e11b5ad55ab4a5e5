-- Pages by their views, with what sessions did there: `total` is the row of all pages.
SELECT
    total,
    path,
    views,
    visitors,
    entries,
    exits,
    bounces / nullIf(entries, 0) AS bounce_rate,
    gone_on_ms / nullIf(gone_on, 0) / 1000 AS seconds,
    count() OVER (PARTITION BY total) AS pages
FROM
(
    SELECT
        toUInt8(grouping(path)) AS total,
        path,
        if(total, toUInt128(0), $hash) AS place,
        count() AS views,
        uniqExact($visitor) AS visitors
    FROM
    (
        SELECT *
        FROM $rows
        WHERE event = 'page_view' AND $filtered
    )
    GROUP BY GROUPING SETS ((path), ())
) AS seen
LEFT ANY JOIN
(
    SELECT
        toUInt8(grouping(place)) AS total,
        place,
        sum(is_entry) AS entries,
        sum(is_exit) AS exits,
        sum(is_entry AND is_exit) AS bounces,
        sum(NOT is_exit) AS gone_on,
        sum(lasted_ms) AS gone_on_ms
    FROM ($views)
    GROUP BY GROUPING SETS ((place), ())
) AS done USING (total, place)
ORDER BY total DESC, views DESC, path ASC
LIMIT {limit:UInt32} + 1
