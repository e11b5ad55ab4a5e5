-- How many members there are.
SELECT count() AS members
FROM ($known)
WHERE $member AND who != {nobody:String}
