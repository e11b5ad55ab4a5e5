SELECT $past AS past, $timed AS timed, $keyed AS keyed, time, $keys $values
FROM
(
    SELECT *, $time AS time $dimensions
    FROM $rows
    WHERE $filtered
)
GROUP BY GROUPING SETS ($sets)
