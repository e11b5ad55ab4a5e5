-- Whether a site has a fault: the latest days are read first, and nothing more once it is found.
SELECT
    $named
FROM events
WHERE site_id = {site:String}
    AND event = {name:String}
    AND print = {fingerprint:String}
ORDER BY toDate(ts) DESC
LIMIT 1
