-- How long ClickHouse took for what the API asked in some time, in ms, and how many questions that was.
SELECT
    sum(toUnixTimestamp64Micro(event_time_microseconds) - toUnixTimestamp64Micro(query_start_time_microseconds)) / 1000 AS ms,
    count() AS questions
FROM system.query_log
WHERE type = 'QueryFinish'
    AND query_kind = 'Select'
    AND current_database = {database:String}
    AND NOT startsWith(query_id, {by_hand:String})
    AND query_start_time_microseconds >= fromUnixTimestamp64Micro({since:Int64})
    AND event_time_microseconds <= fromUnixTimestamp64Micro({until:Int64})
