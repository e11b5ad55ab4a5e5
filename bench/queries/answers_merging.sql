-- How many merges run.
SELECT count()
FROM system.merges
WHERE database = currentDatabase()
