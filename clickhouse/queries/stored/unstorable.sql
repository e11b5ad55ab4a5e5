-- Lines of some records of one partition of a raw log that could not be stored as events.
SELECT _place, _stage, site_id, received_at, count() AS lines
FROM events_rejected
WHERE startsWith(_stage, 'events')
    AND _log = {log:String}
    AND _partition = {partition:UInt16}
    AND _place BETWEEN {first:UInt64} AND {last:UInt64}
GROUP BY _place, _stage, site_id, received_at
ORDER BY _place
