-- Visits of a month at one site: of each some events, as long as those of the demo, by visitors of whom a few come often.
INSERT INTO events
(
    site_id, event, ts, received_at, event_id, visitor_id, user_id, session_id, url, host, path, referrer, referrer_host, channel, title,
    utm_source, utm_medium, utm_campaign, language, country, device_type, browser, os, bot, revenue, currency, properties
)
SELECT
    {site:String},
    if(n = 0, 'page_view', transform(rand(1) % 100, range(34), arrayMap(n -> multiIf(n < 2, 'purchase', n < 5, 'checkout', n < 10, 'add_to_cart', n < 12, 'signup', n < 16, 'click', 'product_view'), range(34)), 'page_view')) AS name,
    began + toIntervalMillisecond(n * gap + rand(2) % gap) AS at,
    at,
    generateUUIDv4(),
    toString(reinterpretAsUUID(sipHash128(who))),
    if(who % 10 = 0, concat('u', toString(who)), ''),
    if({told:UInt8} = 1, hex(visit), ''),
    concat('https://demo.example', page),
    'demo.example',
    concat('/p', toString(intDiv(rand(3) % 100 * (rand(4) % 100), 100))) AS page,
    if(n = 0, came.1, 'https://demo.example/') AS from,
    if(n = 0, domain(from), ''),
    came.2,
    page,
    came.3,
    if(came.3 = '', '', 'cpc'),
    if(came.3 = '', '', 'spring'),
    'de-DE',
    ['AT', 'DE', 'US', 'FR'][who % 4 + 1],
    ['desktop', 'mobile'][who % 2 + 1],
    'Chrome',
    'Windows',
    who % 50 = 0,
    if(name = 'purchase', 10 + rand(5) % 90, 0),
    if(name = 'purchase', 'EUR', ''),
    '{"product":"Red lamp","price":19.9}'
FROM
(
    SELECT
        sipHash64(number, {seed:UInt64}) AS visit,
        intDiv((visit % 1000) * (intDiv(visit, 1000) % 1000) * {visitors:UInt64}, 1000000) + intDiv(visit, 7) % 97 AS who,
        fromUnixTimestamp64Milli({start:Int64}) + toIntervalMillisecond(intDiv(visit, 11) % toUInt64(30 * 86400000)) AS began,
        1000 + intDiv(visit, 13) % 240000 AS gap,
        [('', 'direct', ''), ('https://www.google.com/', 'search', ''), ('https://www.facebook.com/', 'social', ''), ('', 'email', 'newsletter'), ('https://www.google.com/', 'paid', 'google')][intDiv(visit, 17) % 5 + 1] AS came,
        arrayJoin(range([1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 9, 13, 24, 1][intDiv(visit, 19) % 16 + 1])) AS n
    FROM numbers({visits:UInt64})
)
