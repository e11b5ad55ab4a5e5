-- What the query API asked in some time, by how it begins: questions of reports, which are bounded, and those about people.
SELECT replaceAll(substring(query, 1, 80), '\n', ' ') AS begin, count() AS times
FROM system.query_log
WHERE type != 'QueryStart'
    AND query_kind = 'Select'
    AND current_database = currentDatabase()
    AND event_time_microseconds >= fromUnixTimestamp64Micro({since:Int64})
    AND event_time_microseconds <= fromUnixTimestamp64Micro({until:Int64})
    AND (mapContains(Settings, 'max_rows_to_read') OR query LIKE '%dictGetOrDefault(%' OR query LIKE '%FROM identity_links%')
GROUP BY begin
ORDER BY times DESC
