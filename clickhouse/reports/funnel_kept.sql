(
    SELECT *
    FROM funnel_steps $final
    WHERE site_id = {site:String}
        AND build = {build:UInt64}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64})
)
