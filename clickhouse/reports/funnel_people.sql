-- Who reached a step, or was lost after it, in the order of who.
SELECT
    who,
    level,
    times
FROM ($inner)
WHERE who > {after:String} AND $wanted
ORDER BY who ASC, level DESC, times[1] ASC
LIMIT 1 BY who
LIMIT {limit:UInt32}
