SELECT $past AS past, level.1 AS timed, level.2 AS keyed, level.3 AS time, $keys $values
FROM
(
    SELECT
        groupUniqArrayIf(tuple($time $dimensions), $filtered) AS cells,
        countIf(event = 'page_view') AS views,
        dateDiff('millisecond', min(ts), max(ts)) AS lasted_ms,
        countIf(event = {target:String}) > 0 AS converted
    FROM $rows
    GROUP BY session
    HAVING notEmpty(cells)
)
ARRAY JOIN arrayDistinct(arrayConcat($levels)) AS level
GROUP BY level
