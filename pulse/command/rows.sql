-- Rows and bytes of each table of this database.
SELECT
    table,
    sum(rows) AS stored_rows,
    sum(bytes_on_disk) AS stored_bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY table
