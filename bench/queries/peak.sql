-- The most memory that a question since a moment took.
SELECT max(memory_usage)
FROM system.query_log
WHERE type = 'QueryFinish'
    AND query_kind = 'Select'
    AND current_database = {database:String}
    AND event_time_microseconds >= fromUnixTimestamp64Micro({since:Int64})
