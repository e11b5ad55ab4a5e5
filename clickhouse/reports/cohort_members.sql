-- Members in their order, after the last one told: of those who can be, all of whom the cohort is true.
SELECT who
FROM ($known)
WHERE $member AND who != {nobody:String} AND who > {after:String}
ORDER BY who
LIMIT {limit:UInt32}
