-- From when to when ClickHouse was at what the API asked for those who ask it, in µs: these questions have bounds, those beside have none.
SELECT
    toUnixTimestamp64Micro(query_start_time_microseconds) AS began,
    toUnixTimestamp64Micro(event_time_microseconds) AS ended
FROM system.query_log
WHERE type = 'QueryFinish'
    AND query_kind = 'Select'
    AND current_database = {database:String}
    AND mapContains(Settings, 'max_execution_time')
    AND NOT startsWith(query_id, {by_hand:String})
    AND query_start_time_microseconds >= fromUnixTimestamp64Micro({since:Int64})
    AND event_time_microseconds <= fromUnixTimestamp64Micro({until:Int64})
ORDER BY began, ended
