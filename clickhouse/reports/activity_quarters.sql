SELECT $own, $marks
FROM
(
    SELECT *, toUInt64(days) AS early, toUInt64(bitShiftRight(days, 64)) AS late
    FROM activity
    WHERE site_id = {site:String} AND day = 0
)
WHERE $passes
