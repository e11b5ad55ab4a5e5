-- How many events of each day of a quarter there are the rows of.
INSERT INTO activity (site_id, quarter, day, events, stored_at)
SELECT
    row.1 AS site_id,
    {since:Date} AS quarter,
    row.2 AS day,
    row.3 AS events,
    now64(6) AS stored_at
FROM (SELECT arrayJoin(arrayZip({sites:Array(String)}, {days:Array(UInt8)}, {counts:Array(Int64)})) AS row)
