-- Sessions with where they came from, who was there, and the conversions in them, each with the session's own beginning.
SELECT
    parts[1].1 AS began,
    parts[1].3.1.1 AS first_id,
    parts[1].3.1.2 AS value,
    parts[1].3.1.3 AS is_direct,
    arrayDistinct(arrayFlatten(arrayMap(part -> part.3.2, parts))) AS people,
    arrayMap(
        x -> (x.1, x.2, began, first_id, x.3, x.4, x.5),
        arrayFlatten(arrayMap(part -> part.3.3, parts))
    ) AS converted
FROM $sessions
