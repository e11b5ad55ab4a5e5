-- How many events are stored of some days, and of how many there are rows of activity. The sorting key alone tells the former.
SELECT
    (SELECT count() FROM events WHERE site_id = {site:String} AND toDate(ts) >= {since:Date} AND toDate(ts) < {until:Date}) AS stored,
    (SELECT sum(events) FROM activity WHERE site_id = {site:String} AND day > 0 AND addDays(quarter, day - 1) >= {since:Date} AND addDays(quarter, day - 1) < {until:Date}) AS counted
