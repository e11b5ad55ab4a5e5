-- The page views of each session that are counted, in order: whether one is the first, the last, and how long until the next.
SELECT
    view.1 AS place,
    view.2 AS is_entry,
    view.3 AS is_exit,
    view.4 AS lasted_ms
FROM
(
    SELECT
        arraySort(arrayFlatten(arrayMap(part -> part.3.1, parts))) AS views,
        arrayMap(view -> toInt64(bitShiftRight(view, 208)), views) AS moments,
        arrayMap(
            (view, at, following, n) -> (
                toUInt128(bitAnd(view, bitShiftLeft(toUInt256(1), 80) - 1)),
                n = 1,
                n = length(views),
                if(n = length(views), 0, following - at)
            ),
            views, moments, arrayResize(arrayPopFront(moments), length(moments), toInt64(0)), arrayEnumerate(views)
        ) AS told
    FROM $sessions
)
ARRAY JOIN arrayFilter(view -> view.1 != 0, told) AS view
