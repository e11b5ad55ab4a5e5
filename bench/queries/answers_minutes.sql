-- The minute aggregates of the events of some time, as the rollup makes them.
INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, bots, revenue)
SELECT
    site_id,
    toStartOfMinute(ts) AS at,
    event,
    country,
    device_type,
    currency,
    count(),
    countIf(bot),
    sum(revenue)
FROM events
WHERE ts >= fromUnixTimestamp64Milli({begin:Int64}) AND ts < fromUnixTimestamp64Milli({until:Int64})
GROUP BY site_id, at, event, country, device_type, currency
