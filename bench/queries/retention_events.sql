-- A million events of one site, evenly over a time before a moment, one of ten by somebody who is known.
INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, user_id, path)
SELECT
    'big',
    if(rand(3) % 10 < 8, 'page_view', 'click'),
    fromUnixTimestamp64Milli({end:Int64}) - toIntervalMillisecond(1 + rand64(4) % {span:UInt64}) AS at,
    at,
    generateUUIDv4(),
    toString(reinterpretAsUUID(sipHash128(rand(5) % {visitors:UInt32}))),
    if(rand(5) % 10 = 0, concat('u', toString(rand(5) % {visitors:UInt32})), ''),
    concat('/p', toString(rand(6) % 50))
FROM numbers(1000000)
