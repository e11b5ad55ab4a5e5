-- Who was there on the days of a quarter: what the view of the events writes of them.
INSERT INTO activity (site_id, quarter, day, event, bot, visitor, person, named, visitor_id, days)
SELECT
    site_id,
    toStartOfQuarter(date) AS quarter,
    0 AS day,
    arrayJoin(['', toString(seen.event)]) AS event,
    bot,
    reinterpretAsUInt128(sipHash128(seen.visitor_id)) AS visitor,
    reinterpretAsUInt128(sipHash128(if(user_id = '', concat('v', seen.visitor_id), concat('u', user_id)))) AS person,
    user_id != '' AS named,
    any(seen.visitor_id) AS visitor_id,
    groupBitOr(bitShiftLeft(toUInt128(1), date - quarter)) AS days
FROM
(
    SELECT site_id, toDate(ts) AS date, event, bot, visitor_id, user_id
    FROM events
    WHERE toDate(ts) >= {since:Date} AND toDate(ts) < {end:Date} AND (empty({site:String}) OR site_id = {site:String})
) AS seen
GROUP BY site_id, quarter, day, event, bot, visitor, person, named
