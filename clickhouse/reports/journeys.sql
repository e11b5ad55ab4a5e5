-- Steps of journeys by level, and what follows each: the most frequent values of a level stand alone, the others together.
-- `way`: 0 nothing follows, 1 what is told at the next level, 2 what is among the others there, 3 what is no longer told.
-- A row of level 255 has all that began. A level and its value are one number while they are counted: keys of 32 bytes are fast.
SELECT
    level,
    toUInt8(from_place BETWEEN 1 AND {limit:UInt32}) AS is_told,
    if(is_told, name, '') AS source,
    multiIf(following = 0, 0, level + 1 = {length:UInt8}, 3, to_place BETWEEN 1 AND {limit:UInt32}, 1, 2) AS way,
    if(way = 1, own, '') AS target,
    sum(n) AS journeys,
    any(values) AS level_values
FROM
(
    SELECT
        level, following, own, n, is_node,
        max(place) OVER (PARTITION BY level, value) AS from_place,
        max(place) OVER (PARTITION BY level + 1 - is_node, if(is_node, value, following)) AS to_place,
        max(if(is_node, own, '')) OVER (PARTITION BY level, value) AS name,
        max(place) OVER (PARTITION BY level) AS values
    FROM
    (
        SELECT
            level, value, following, is_node, n, own,
            if(is_node, row_number() OVER (PARTITION BY level, is_node ORDER BY n DESC, own ASC), 0) AS place
        FROM
        (
            SELECT
                level,
                value,
                following,
                toUInt8(grouping(following)) AS is_node,
                if(is_node, value, following) AS hash,
                sum(times) AS n
            FROM
            (
                SELECT
                    toUInt8(bitShiftRight(placed, 80)) AS level,
                    bitAnd(placed, bitShiftLeft(toUInt128(1), 80) - 1) AS value,
                    following,
                    count() AS times
                FROM
                (
                    SELECT
                        arrayResize(steps, least(length(steps), {length:UInt8})) AS own_steps,
                        arrayPushBack(range(toUInt8(length(own_steps))), toUInt8(255)) AS levels,
                        arrayMap(
                            (level, value) -> bitOr(bitShiftLeft(toUInt128(level), 80), value),
                            levels, arrayPushBack(own_steps, toUInt128(0))
                        ) AS placed_steps,
                        arrayResize(arrayPopFront(steps), length(levels), toUInt128(0)) AS followings
                    FROM ($paths)
                )
                ARRAY JOIN placed_steps AS placed, followings AS following
                GROUP BY placed, following
            )
            GROUP BY GROUPING SETS ((level, value, following), (level, value))
        ) AS counted
        LEFT ANY JOIN ($names) AS named USING (hash)
    )
)
WHERE NOT is_node
GROUP BY level, is_told, source, way, target
ORDER BY level ASC, is_told DESC, source ASC, way ASC, target ASC
