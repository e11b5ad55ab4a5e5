-- The replays there are, by their tables.
SELECT substring(name, 8, length(name) - 13) AS replay
FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, 'replay_') AND endsWith(name, '_about')
ORDER BY replay
