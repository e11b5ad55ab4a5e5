-- Of each unit the attempt that gets furthest, of these the one that begins first.
SELECT
    who,
    part,
    values,
    indexOf(levels, arrayMax(levels)) AS i,
    keys[i] AS key,
    untils[i] AS until,
    ahead1[i] AS ahead,
    $found AS found
FROM ($inner)
WHERE arrayMax(levels) > 0
