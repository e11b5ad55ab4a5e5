-- What a question finds of rows of activity, and whether these are those of all events that are stored: all of one moment, as a statement
-- reads each table but once. The sorting key alone tells how many events there are.
SELECT
    told.*,
    (SELECT count() FROM events WHERE site_id = {site:String} AND toDate(ts) >= {looked_since:Date} AND toDate(ts) < {looked_until:Date} AND $trusted) = (SELECT sum(events) FROM activity WHERE site_id = {site:String} AND day > 0 AND addDays(quarter, day - 1) >= {looked_since:Date} AND addDays(quarter, day - 1) < {looked_until:Date} AND $trusted_rows) AS is_sure
FROM ($asked) AS told
