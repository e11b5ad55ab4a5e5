-- Of what is not stored from its own record, what is no repetition: the first of its id in its partition, unless an
-- earlier one is stored. Whether the stream still remembered that one is not asked: one event is one.
INSERT INTO {rows:Identifier}
SELECT *
FROM {fresh:Identifier}
WHERE (site_id, event_id, _partition, _place) NOT IN
(
    SELECT new.site_id, new.event_id, new._partition, new._place
    FROM {fresh:Identifier} AS new
    INNER JOIN
    (
        SELECT site_id, event_id, _log, _partition, _place
        FROM events
        WHERE received_at >= fromUnixTimestamp64Milli({since:Int64} - 2 * {window:Int64}, 'UTC')
            AND event_id IN (SELECT event_id FROM {fresh:Identifier})
    ) AS old
        ON new.site_id = old.site_id AND new.event_id = old.event_id
    WHERE old._log != {log:String}
        OR (old._partition = new._partition AND bitShiftRight(old._place, 10) < bitShiftRight(new._place, 10))
)
ORDER BY _place
LIMIT 1 BY site_id, event_id, _partition
