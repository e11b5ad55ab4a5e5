-- Up to which place each partition of each raw log is stored, by month. Answered by the projection `stored`.
SELECT toYYYYMM(ts) AS month, _log, _partition, max(_place) AS place
FROM events
GROUP BY _log, _partition, toYYYYMM(ts)
