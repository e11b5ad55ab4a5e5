-- Cohorts from the periods in which units started and in which they were there; column 0 is the cohort itself.
SELECT
    '' AS value,
    sumIf(found, column = 0) AS size,
    groupArray((cohort, column, found, toFloat64(0))) AS cells
FROM
(
    SELECT first AS cohort, column, sum(units) AS found
    FROM
    (
        SELECT returns, units, arrayJoin($firsts) AS first
        FROM (SELECT $starts AS starts, $returns AS returns, activity.units AS units FROM $activity AS activity)
    )
    ARRAY JOIN arrayDistinct(arrayPushFront($columns, 0)) AS column
    GROUP BY cohort, column
)
