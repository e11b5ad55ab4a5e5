-- Two weeks of minutes of some events, as the minute aggregates hold them: the same number in each but for chance.
INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, bots, revenue)
SELECT
    {site:String},
    fromUnixTimestamp((minutes.number + {first:Int64}) * 60),
    name,
    '',
    '',
    '',
    {usual:UInt64} + cityHash64(minutes.number, name) % 11 - 5,
    0,
    0
FROM numbers({minutes:UInt64}) AS minutes
ARRAY JOIN {events:Array(String)} AS name
