-- Take out of a replay's rows those of the same records and ids as these.
ALTER TABLE {rows:Identifier}
DELETE WHERE (site_id, event_id, _log, _partition, bitShiftRight(_place, 10)) IN
(
    SELECT site_id, event_id, _log, _partition, bitShiftRight(_place, 10) FROM {made:Identifier}
)
SETTINGS mutations_sync = 2
