-- Which replacing of events was the last, 0 if there was none.
SELECT max(build)
FROM funnel_builds FINAL
WHERE site_id = '' AND id = ''
