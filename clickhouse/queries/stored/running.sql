-- Inserts of this or another sink that have not ended.
SELECT query_id
FROM system.processes
WHERE startsWith(query_id, {prefix:String})
