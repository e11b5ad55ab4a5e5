-- The same, a visitor's events told apart where there are more than 30 minutes between them.
SELECT moments, steps
FROM
(
    SELECT
        arrayMap(
            (t, before) -> NOT is_told_by_client AND t - before > 1800000,
            moments,
            arrayPopBack(arrayPushFront(moments, moments[1]))
        ) AS begins,
        arraySplit((x, is_begin) -> is_begin, moments, begins) AS visits,
        arraySplit((x, is_begin) -> is_begin, steps, begins) AS visits_steps
    FROM ($units)
)
ARRAY JOIN visits AS moments, visits_steps AS steps
