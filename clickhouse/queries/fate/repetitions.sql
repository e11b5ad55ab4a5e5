-- How many repetitions a site's ledger counted within a span of time.
SELECT sum(duplicates) AS repetitions
FROM ledger_minute
WHERE site_id = {site:String}
    AND minute >= toStartOfMinute(fromUnixTimestamp64Milli({start:Int64}))
    AND minute < fromUnixTimestamp64Milli({end:Int64})
