(
    SELECT $periods AS periods, count() AS units
    FROM
    (
        SELECT $merged
        FROM
        (
            $rows
        ) AS marked
        GROUP BY who
    )
    GROUP BY $names
)
