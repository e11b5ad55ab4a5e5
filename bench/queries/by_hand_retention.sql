-- Of those who came first in a week, how many were there in it and in each later one.
SELECT
    weeks[1] AS cohort,
    week - cohort AS later,
    count() AS users
FROM
(
    SELECT arraySort(groupUniqArray(if(ts < fromUnixTimestamp64Milli({start:Int64}), 0, toUInt16(1 + intDiv(toUnixTimestamp64Milli(ts) - {start:Int64}, 604800000))))) AS weeks
    FROM events
    WHERE site_id = {site:String} AND ts < fromUnixTimestamp64Milli({end:Int64})
    GROUP BY if(user_id = '', sipHash64('v', visitor_id), sipHash64('u', user_id))
)
ARRAY JOIN weeks AS week
WHERE cohort > 0
GROUP BY cohort, later
ORDER BY cohort, later
