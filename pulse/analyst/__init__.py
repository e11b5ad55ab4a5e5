"""Who asks ClickHouse in SQL: one user for each site, who sees its rows alone and writes nothing."""
