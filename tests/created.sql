-- What a database and that of its views are made of: each by its name, and the statement that makes it as it is now.
SELECT concat(database, '.', name), create_table_query
FROM system.tables
WHERE database IN ({database:String}, {analytics:String}) AND engine != 'Dictionary'
ORDER BY database, name
