-- Of each unit the steps of its journey, one more than are told; none for one that has begun and does not reach its end.
SELECT $steps AS steps
FROM
(
    SELECT values, at, begin, $last AS last, at[begin] AS begin_at
    FROM
    (
        SELECT values, at, $begin AS begin
        FROM
        (
            SELECT
                $taken AS taken,
                arrayFilter((x, is_taken) -> is_taken, own, taken) AS values,
                arrayFilter((x, is_taken) -> is_taken, own_at, taken) AS at
            FROM
            (
                SELECT
                    arrayFilter((x, s) -> s != 0, moments, steps) AS own_at,
                    arrayFilter(s -> s != 0, steps) AS own
                FROM ($units)
            )
        )
    )
    WHERE begin > 0
)
