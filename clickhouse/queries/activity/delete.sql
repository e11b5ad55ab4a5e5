-- All rows of a site's quarter but the counts of days from one on, and what makes its days doubtful now.
ALTER TABLE activity DELETE
WHERE site_id = {site:String}
    AND quarter = {since:Date}
    AND event != {mark:String}
    AND (day = 0 OR event != '' OR addDays(quarter, day - 1) < {until:Date})
