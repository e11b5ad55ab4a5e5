SELECT $past AS past, level.1 AS timed, level.2 AS keyed, level.3 AS time, $keys $values
FROM
(
    SELECT
        arrayFlatten(arrayMap(part -> part.3.1, parts)) AS cells,
        arraySum(part -> part.3.2, parts) AS views,
        parts[-1].2 - parts[1].1 AS lasted_ms,
        arrayExists(part -> part.3.3, parts) AS converted
    FROM $sessions
    WHERE notEmpty(cells)
)
ARRAY JOIN arrayDistinct(arrayConcat($levels)) AS level
GROUP BY level
