-- What is known of a replay.
SELECT value
FROM {about:Identifier}
ORDER BY at DESC
LIMIT 1
