-- The rows of events that fit steps of saved funnels.
SELECT
    site_id,
    entry.1 AS build,
    entry.2 AS fits,
    reinterpretAsUInt128(sipHash128(visitor_id)) AS visitor,
    reinterpretAsUInt128(sipHash128(if(user_id = '', concat('v', visitor_id), concat('u', user_id)))) AS person,
    ts,
    event,
    event_id,
    visitor_id,
    user_id,
    channel,
    referrer_host,
    utm_source,
    utm_medium,
    utm_campaign,
    language,
    country,
    device_type,
    browser,
    os,
    bot,
    _partition
FROM
(
    SELECT *, arrayJoin(arrayFilter(e -> e.2 != 0, $entries)) AS entry
    FROM events
    WHERE $where
)
