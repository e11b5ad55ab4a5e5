-- Events of one site, evenly over as many visitors and the days before a moment.
INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, path, country, device_type, browser, properties)
SELECT
    {site:String},
    'page_view',
    fromUnixTimestamp64Milli({end:Int64}) - toIntervalMillisecond(1 + number * {apart:UInt64}) AS at,
    at,
    generateUUIDv4(),
    toString(reinterpretAsUUID(sipHash128(number % {visitors:UInt64}))),
    concat('/p', toString(number % 100)),
    ['AT', 'DE', 'US', 'FR'][number % 4 + 1],
    ['desktop', 'mobile'][number % 2 + 1],
    'Chrome',
    '{"plan":"pro"}'
FROM numbers_mt({events:UInt64})
