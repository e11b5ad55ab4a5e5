-- The store's version, and whether a database and that of its views have no table yet.
SELECT
    version(),
    (SELECT count() FROM system.tables WHERE database IN ({database:String}, {analytics:String})) = 0
