-- So many events more of each day of a quarter than there are the rows of; under a mark, so that none but these are taken away again.
INSERT INTO activity (site_id, quarter, day, event, events)
SELECT
    {site:String} AS site_id,
    {since:Date} AS quarter,
    arrayJoin(range(1, toUInt64({end:Date} - {since:Date}) + 1)) AS day,
    {mark:String} AS event,
    {doubt:Int64} AS events
