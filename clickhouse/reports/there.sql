-- How many units were there in each period, and in any: that is number 0.
SELECT number, sum(activity.units) AS units
FROM $activity AS activity
ARRAY JOIN arrayPushFront(periods, toUInt16(0)) AS number
GROUP BY number
