-- The tables and views of a database, as far as the migrations decide them.
SELECT name, engine_full, partition_key, sorting_key, primary_key, sampling_key, as_select, create_table_query
FROM system.tables
WHERE database = {database:String} AND name != 'migrations' AND NOT is_temporary
ORDER BY name
