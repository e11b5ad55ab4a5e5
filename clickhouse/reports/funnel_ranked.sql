-- Values by how many attempts have them.
SELECT
    times,
    level,
    value,
    is_told,
    dense_rank() OVER (ORDER BY is_told DESC, often DESC, value ASC) AS place
FROM
(
    SELECT
        times,
        level,
        value,
        is_told,
        count() OVER (PARTITION BY is_told, value) AS often
    FROM ($inner)
)
