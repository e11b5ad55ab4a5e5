-- Of each unit the attempts one after another: the next begins only where the one before has ended.
SELECT
    who,
    part,
    values,
    arrayJoin(arrayMap(
        (key, until, ahead) -> $found,
        arrayFilter((x, chosen) -> chosen, keys, chosen),
        arrayFilter((x, chosen) -> chosen, untils, chosen),
        arrayFilter((x, chosen) -> chosen, ahead1, chosen)
    )) AS found
FROM
(
    SELECT
        *,
        arrayFold(
            (free, key, level, end) -> if(
                level > 0 AND key >= free.1,
                (end, arrayPushBack(free.2, key)),
                free
            ),
            keys, levels, ends, (toUInt64(0), emptyArrayUInt64())
        ).2 AS begun,
        arraySort(arrayConcat(keys, begun)) AS both,
        arrayFilter(
            (same, x, before) -> x != before,
            arrayMap((x, after) -> x = after, both, arrayPushBack(arrayPopFront(both), toUInt64(0))),
            both,
            arrayPushFront(arrayPopBack(both), toUInt64(0))
        ) AS chosen
    FROM
    (
        SELECT
            *,
            arrayMap((key, until, level, ahead) -> $end, keys, untils, levels, ahead1) AS ends
        FROM ($inner)
    )
)
