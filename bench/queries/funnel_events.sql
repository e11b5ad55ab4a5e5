-- A million events of a month: three of ten at one site, each visitor some dozen.
INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, user_id, path, country, device_type, browser, properties)
SELECT
    if(rand(1) % 10 < 3, 'big', concat('s', toString(rand(2) % 500))),
    transform(rand(3) % 100, range(30), arrayMap(n -> multiIf(n < 4, 'purchase', n < 12, 'signup', 'click'), range(30)), 'page_view'),
    toDateTime64('2026-03-01', 3, 'UTC') + toIntervalMillisecond(rand64(4) % toUInt64(30 * 86400000)) AS at,
    at,
    generateUUIDv4(),
    toString(reinterpretAsUUID(sipHash128(rand(5) % {visitors:UInt32}))),
    if(rand(5) % 10 = 0, concat('u', toString(rand(5) % {visitors:UInt32})), ''),
    concat('/p', toString(rand(6) % 50)),
    ['AT', 'DE', 'US', 'FR'][rand(7) % 4 + 1],
    ['desktop', 'mobile'][rand(8) % 2 + 1],
    'Chrome',
    concat('{"plan":"pro","price":', toString(rand(9) % 100), '}')
FROM numbers(1000000)
