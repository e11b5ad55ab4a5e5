-- What changes with whatever is stored from before a moment: how many events there are; of the days before the moment's own,
-- of how many events there are rows, and when one was stored last; when one of its own day was received last.
-- The sorting key tells the first, rows of days the second.
SELECT
    (SELECT count() FROM events WHERE site_id = {site:String} AND ts < fromUnixTimestamp64Milli({end:Int64})) AS events,
    (
        SELECT (sum(activity.events), toUnixTimestamp64Micro(max(activity.stored_at)))
        FROM activity
        WHERE site_id = {site:String}
            AND day > 0
            AND addDays(quarter, day - 1) < toDate(fromUnixTimestamp64Milli({end:Int64}, 'UTC'))
    ) AS counted,
    $received AS received
