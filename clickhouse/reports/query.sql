-- Metrics of each level: of all, of each bucket of time, of each group, of each bucket of each group. Groups take
-- their places by what they are now; of all that have one, the first are told.
SELECT past, timed, keyed, time, $keys placed, groups, $values
FROM
(
    SELECT
        *,
        countIf(keyed = 1 AND timed = 0) OVER (PARTITION BY past) AS groups,
        max(place) OVER (PARTITION BY $keys keyed) AS placed
    FROM
    (
        SELECT
            *,
            if(past = 0 AND keyed = 1 AND timed = 0, row_number() OVER (PARTITION BY past, timed, keyed ORDER BY $order), 0) AS place
        FROM ($tallied)
    )
)
WHERE keyed = 0 OR placed BETWEEN 1 AND {limit:UInt32}
ORDER BY past, timed, keyed, placed, time
