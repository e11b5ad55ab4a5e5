SELECT $own, $marks
FROM activity
WHERE site_id = {site:String} AND day = 0 AND $passes
