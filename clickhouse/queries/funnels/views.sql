-- The views that write the rows of saved funnels, the oldest first, and of which builds.
SELECT name, comment
FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, 'funnel_view_')
ORDER BY name
