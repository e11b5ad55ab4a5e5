SELECT
    who,
    part,
    values,
    at,
    fits,
    keys,
    $columns
FROM ($inner)
