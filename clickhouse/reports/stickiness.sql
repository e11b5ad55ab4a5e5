-- In how many periods how many units were there.
SELECT length(periods) AS number, sum(activity.units) AS units
FROM $activity AS activity
GROUP BY number
