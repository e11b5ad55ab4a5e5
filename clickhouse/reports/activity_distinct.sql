(
    SELECT [toUInt16(1)] AS periods, uniqExact(who) AS units
    FROM
    (
        $rows
    )
)
