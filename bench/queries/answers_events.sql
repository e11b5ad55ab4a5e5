-- Visits that begin within a time, at a hot site and at many others: of each some events, by visitors of whom a few come often.
-- One is not a row before its time: what would lie after `until` is left out.
INSERT INTO events
(
    site_id, event, ts, received_at, event_id, visitor_id, user_id, session_id, url, host, path, referrer, referrer_host, channel, title,
    utm_source, utm_medium, utm_campaign, language, country, device_type, browser, os, bot, revenue, currency, properties
)
SELECT
    site,
    multiIf(n = 0 OR dice < 50, 'page_view', dice < 70, 'click', dice < 84, 'product_view', dice < 90, 'add_to_cart', dice < 94, 'checkout', dice < 97, 'signup', 'purchase') AS name,
    began + toIntervalMillisecond(n * gap + rand(2) % gap) AS at,
    at,
    generateUUIDv4(),
    visitor,
    person,
    session,
    concat('https://demo.example', page),
    'demo.example',
    concat('/p', toString(intDiv((rand(3) % 500) * (rand(4) % 500), 500))) AS page,
    if(n = 0, came.1, 'https://demo.example/') AS from,
    if(n = 0, domain(from), ''),
    came.2,
    page,
    came.3,
    if(came.3 = '', '', 'cpc'),
    if(came.3 = '', '', 'spring'),
    'de-DE',
    ['AT', 'DE', 'US', 'FR', 'GB', 'IT', 'ES', 'CH'][least(who % 8, who % 5) + 1],
    ['desktop', 'mobile', 'tablet'][least(who % 3, who % 4) + 1],
    ['Chrome', 'Safari', 'Firefox'][who % 3 + 1],
    ['Windows', 'Android', 'iOS'][who % 3 + 1],
    who % 50 = 0,
    if(name = 'purchase', 10 + rand(5) % 90, 0),
    if(name = 'purchase', 'EUR', ''),
    '{"product":"Red lamp","price":19.9}'
FROM
(
    SELECT
        *,
        rand(1) % 100 AS dice,
        arrayJoin(range([1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 9, 13, 24, 1][intDiv(visit, 19) % 16 + 1])) AS n
    FROM
    (
        SELECT
            sipHash64(number, {seed:UInt64}) AS visit,
            visit % 1000 < {hot:UInt32} AS is_hot,
            if(is_hot, {site:String}, concat('other-', toString(intDiv(visit, 1009) % {others:UInt32}))) AS site,
            intDiv((intDiv(visit, 1013) % 10000) * (intDiv(visit, 10007) % 10000) * if(is_hot, {visitors:UInt64}, {fewer:UInt64}), 100000000) AS who,
            toString(reinterpretAsUUID(sipHash128(site, who))) AS visitor,
            if(who % 10 = 0, concat('u', toString(who)), '') AS person,
            hex(visit) AS session,
            fromUnixTimestamp64Milli({begin:Int64}) + toIntervalMillisecond(intDiv(visit, 11) % {span:UInt64}) AS began,
            1000 + intDiv(visit, 13) % 240000 AS gap,
            [('', 'direct', ''), ('https://www.google.com/', 'search', ''), ('https://www.facebook.com/', 'social', ''), ('', 'email', 'newsletter'), ('https://www.google.com/', 'paid', 'google')][intDiv(visit, 17) % 5 + 1] AS came
        FROM numbers_mt({visits:UInt64})
    )
)
WHERE at < fromUnixTimestamp64Milli({until:Int64})
