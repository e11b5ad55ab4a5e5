-- The visitors of the range by whether the site has an earlier event of them.
SELECT
    first < fromUnixTimestamp64Milli({start:Int64}) AS returning,
    count() AS visitors,
    sum(own) AS events
FROM
(
    SELECT
        min(ts) AS first,
        countIf(ts >= fromUnixTimestamp64Milli({start:Int64}) AND $filtered) AS own
    FROM events
    WHERE site_id = {site:String}
        AND ts < fromUnixTimestamp64Milli({end:Int64})
    GROUP BY $visitor
    HAVING own > 0
)
GROUP BY returning
