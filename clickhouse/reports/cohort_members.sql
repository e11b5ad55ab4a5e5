-- Members in their order, after the last one told: everybody the site knows of whom the cohort is true.
SELECT who
FROM
(
    SELECT DISTINCT $who AS who
    FROM events
    WHERE site_id = {site:String} AND ts < fromUnixTimestamp64Milli({now:Int64})
    UNION DISTINCT
    SELECT DISTINCT $named AS member
    FROM cohort_members
    WHERE site_id = {site:String} AND cohort IN {lists:Array(String)}
)
WHERE $member AND who != {nobody:String} AND who > {after:String}
ORDER BY who
LIMIT {limit:UInt32}
