-- The columns that may differ between a stored row and one that was made of the same event, in their order.
SELECT name
FROM system.columns
WHERE database = currentDatabase() AND table = 'events'
    AND name NOT IN ('site_id', 'event_id', '_log', '_partition', '_place')
ORDER BY position
