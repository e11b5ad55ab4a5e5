-- The raw logs of which anything is stored. Answered by the projection `stored`.
SELECT DISTINCT _log
FROM events
GROUP BY _log, _partition, toYYYYMM(ts)
ORDER BY _log
