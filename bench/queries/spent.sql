-- What questions and inserts of a database have cost since a moment, in µs of CPU each, by table.
-- An insert names the tables of its views too.
WITH concat({database:String}, '.events') AS events
SELECT
    query_kind AS kind,
    if(has(tables, events), events, arrayFirst(name -> startsWith(name, concat({database:String}, '.')), tables)) AS into,
    count() AS times,
    avg(ProfileEvents['UserTimeMicroseconds'] + ProfileEvents['SystemTimeMicroseconds']) AS us
FROM system.query_log
WHERE type = 'QueryFinish'
    AND query_kind IN ('Insert', 'Select')
    AND event_time_microseconds >= fromUnixTimestamp64Micro({since:Int64})
    AND into != ''
GROUP BY kind, into
ORDER BY kind, into
