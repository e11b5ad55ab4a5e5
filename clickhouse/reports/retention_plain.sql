-- Cohorts from the periods in which each unit was there; column 0 is the cohort itself.
SELECT
    '' AS value,
    sumIf(units, column = 0) AS size,
    groupArray((cohort, column, units, toFloat64(0))) AS cells
FROM
(
    SELECT first AS cohort, column, count() AS units
    FROM
    (
        SELECT periods, arrayJoin($firsts) AS first
        FROM (SELECT arraySort(groupUniqArray(period)) AS periods FROM $activity GROUP BY who)
    )
    ARRAY JOIN arrayDistinct(arrayPushFront($columns, 0)) AS column
    GROUP BY cohort, column
)
