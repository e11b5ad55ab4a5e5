-- One of twenty visitors is identified, two of them as the same person.
INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, user_id)
SELECT
    'big',
    'identify',
    fromUnixTimestamp64Milli({end:Int64}) - toIntervalMillisecond(1 + number) AS at,
    at,
    generateUUIDv4(),
    toString(reinterpretAsUUID(sipHash128(toUInt32(number * 20 % {visitors:UInt32})))),
    concat('p', toString(intDiv(number, 2)))
FROM numbers(intDiv({visitors:UInt32}, 20))
