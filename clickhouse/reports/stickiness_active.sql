-- Days on which units were there, by how many days it is until the same unit is there again, at most {longest}.
SELECT visit.1 AS day, visit.2 AS until_next, sum(activity.units) AS units
FROM $activity AS activity
ARRAY JOIN arrayMap(
    (p, following) -> (p, toUInt16(least(following - p, {longest:UInt16}))),
    periods,
    arrayPushBack(arrayPopFront(periods), toUInt16(65535))
) AS visit
GROUP BY day, until_next
