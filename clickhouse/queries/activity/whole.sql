-- How many events of a quarter are stored, and of how many there are rows.
SELECT
    (SELECT count() FROM events WHERE toDate(ts) >= {since:Date} AND toDate(ts) < {until:Date}) AS stored,
    (SELECT sum(events) FROM activity WHERE quarter = {since:Date} AND day > 0) AS counted
