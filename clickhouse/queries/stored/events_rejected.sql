-- Up to which place each stage's refusals are stored. Answered by the projection `stored`.
SELECT _stage, _log, _partition, max(_place) AS place
FROM events_rejected
GROUP BY _stage, _log, _partition
