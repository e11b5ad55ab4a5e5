-- How many users got how far; who begins in the range may go on after it.
SELECT
    countIf(level >= 1) AS first,
    countIf(level >= 2) AS second,
    countIf(level >= 3) AS third
FROM
(
    SELECT windowFunnel(1209600000)(toUInt64(toUnixTimestamp64Milli(ts)), event = 'product_view' AND ts < fromUnixTimestamp64Milli({end:Int64}), event = 'add_to_cart', event = 'purchase') AS level
    FROM events
    WHERE site_id = {site:String}
        AND ts >= fromUnixTimestamp64Milli({start:Int64})
        AND ts < fromUnixTimestamp64Milli({end:Int64} + 1209600000)
        AND event IN ('product_view', 'add_to_cart', 'purchase')
    GROUP BY if(user_id = '', sipHash64('v', visitor_id), sipHash64('u', user_id))
)
