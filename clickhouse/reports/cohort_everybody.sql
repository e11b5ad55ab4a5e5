SELECT DISTINCT $who AS who
FROM events
WHERE site_id = {site:String} AND ts < fromUnixTimestamp64Milli({now:Int64})
UNION DISTINCT
SELECT DISTINCT $named AS member
FROM cohort_members
WHERE site_id = {site:String} AND cohort IN {lists:Array(String)}
