SELECT
    *,
    $columns
FROM ($inner)
