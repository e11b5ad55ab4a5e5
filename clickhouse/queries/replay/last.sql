-- Of the last place of each source in each month a row, where nothing else of that place would be left there.
INSERT INTO {made:Identifier}
WITH lasts AS
(
    SELECT toYYYYMM(ts) AS month, _log, _partition, max(_place) AS place
    FROM events
    GROUP BY _log, _partition, toYYYYMM(ts)
)
SELECT *
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND (empty({site:String}) OR site_id = {site:String})
    AND (has({others:Array(String)}, _log) OR (_log = {log:String} AND bitShiftRight(_place, 10) < {cuts:Array(UInt64)}[_partition + 1]))
    AND (toYYYYMM(ts), _log, _partition, _place) IN (SELECT month, _log, _partition, place FROM lasts)
    AND (toYYYYMM(ts), _log, _partition, _place) NOT IN
    (
        SELECT toYYYYMM(ts), _log, _partition, _place
        FROM {rows:Identifier}
        WHERE (_log, _partition, _place) IN (SELECT _log, _partition, place FROM lasts)
    )
ORDER BY event_id
LIMIT 1 BY toYYYYMM(ts), _log, _partition
