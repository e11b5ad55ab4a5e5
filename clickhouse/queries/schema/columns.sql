-- The columns of a database's tables and views.
SELECT table, name, type, default_kind, default_expression, compression_codec
FROM system.columns
WHERE database = {database:String} AND table != 'migrations'
ORDER BY table, position
