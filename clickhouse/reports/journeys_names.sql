SELECT $hash AS hash, value AS own
FROM
(
    SELECT DISTINCT $value AS value
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
        AND $filtered
)
WHERE value != ''
