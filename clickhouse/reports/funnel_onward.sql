SELECT
    who,
    part,
    items,
    $columns
FROM ($inner)
