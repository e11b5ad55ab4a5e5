-- The migrations that have been applied, with what their files contained.
SELECT name, checksum
FROM migrations
ORDER BY name
