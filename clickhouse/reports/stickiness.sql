-- In how many periods how many units were there.
SELECT number, count() AS units
FROM (SELECT uniqExact(period) AS number FROM $activity GROUP BY who)
GROUP BY number
