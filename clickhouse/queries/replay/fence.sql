-- Whether the sink is kept from storing events.
SELECT 1
FROM system.tables
WHERE database = currentDatabase() AND name = 'events' AND position(engine_full, 'max_parts_in_total = 0') > 0
