-- Rows that repeat one which was refused then and is taken today.
INSERT INTO {made:Identifier}
SELECT late.*
FROM {rows:Identifier} AS late
INNER JOIN
(
    SELECT site_id, event_id, _partition, _place, received_at
    FROM {fresh:Identifier}
    WHERE (site_id, event_id, _partition, _place) IN
    (
        SELECT site_id, event_id, _partition, _place
        FROM {rows:Identifier}
        WHERE event_id IN (SELECT event_id FROM {fresh:Identifier})
    )
) AS first
    ON late.site_id = first.site_id AND late.event_id = first.event_id AND late._partition = first._partition
WHERE late._log = {log:String}
    AND late._place > first._place
    AND toUnixTimestamp64Milli(late.received_at) < toUnixTimestamp64Milli(first.received_at) + {window:Int64}
