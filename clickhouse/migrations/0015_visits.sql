-- What analysts ask of whole sessions, visitors and people, told from the events when it is asked: so all of it is exact, also
-- where events came late, and takes no room.

CREATE OR REPLACE VIEW {analytics:Identifier}.sessions AS
SELECT
    site_id,
    parts[1].3.1 AS visitor_id,
    parts[1].3.2 AS session_id,
    arrayFirst(name -> name != '', arrayReverse(arrayMap(part -> part.5, parts))) AS user_id,
    fromUnixTimestamp64Milli(parts[1].1, 'UTC') AS began,
    fromUnixTimestamp64Milli(parts[-1].2, 'UTC') AS ended,
    (parts[-1].2 - parts[1].1) / 1000 AS duration,
    arraySum(part -> part.6, parts) AS events,
    arraySum(part -> part.7, parts) AS pageviews,
    toBool(pageviews = 1) AS bounced,
    toBool(pageviews >= 2 OR duration >= 10) AS engaged,
    arrayFirst(part -> part.7 > 0, parts).4.1 AS entry_page,
    arrayLast(part -> part.7 > 0, parts).4.2 AS exit_page,
    parts[1].3.3 AS channel,
    if(utm_source = '', referrer_host, utm_source) AS source,
    parts[1].3.4 AS referrer_host,
    parts[1].3.5 AS utm_source,
    parts[1].3.6 AS utm_medium,
    parts[1].3.7 AS utm_campaign,
    parts[1].3.8 AS country,
    parts[1].3.9 AS device_type,
    parts[1].3.10 AS browser,
    parts[1].3.11 AS os,
    toBool(arrayExists(part -> part.8, parts)) AS bot
FROM
(
    SELECT site_id, arrayJoin(arraySplit((half, is_begin) -> is_begin, halves, begins)) AS parts
    FROM
    (
        SELECT
            site_id,
            arraySort(half -> half.1, groupArray((first, last, origin, pages, person, count, views, is_bot))) AS halves,
            arrayMap(
                (half, before) -> half.1 - before.2 > 1800000,
                halves,
                arrayPopBack(arrayPushFront(halves, halves[1]))
            ) AS begins
        FROM
        (
            SELECT
                site_id,
                thread,
                min(ms) AS first,
                max(ms) AS last,
                argMin(
                    (
                        visitor_id, session_id, toString(channel), toString(referrer_host), toString(utm_source), toString(utm_medium),
                        toString(utm_campaign), toString(country), toString(device_type), toString(browser), toString(os)
                    ),
                    moment
                ) AS origin,
                (argMinIf(path, moment, event = 'page_view'), argMaxIf(path, moment, event = 'page_view')) AS pages,
                argMaxIf(user_id, moment, user_id != '') AS person,
                count() AS count,
                countIf(event = 'page_view') AS views,
                toUInt8(max(bot)) AS is_bot
            FROM
            (
                SELECT
                    site_id, event, visitor_id, session_id, user_id, path, channel, referrer_host, utm_source, utm_medium, utm_campaign,
                    country, device_type, browser, os, bot,
                    toUnixTimestamp64Milli(ts) AS ms,
                    reinterpretAsUInt128(sipHash128(if(session_id != '', concat('s', session_id), concat('v', visitor_id)))) AS thread,
                    if(session_id != '', 0, toUInt32(intDiv(ms, 1800000))) AS half_hour,
                    bitShiftLeft(toUInt256(ms), 128) + toUInt128(event_id) AS moment
                FROM events
                WHERE ts >= {since:DateTime64(3, 'UTC')} AND ts < {until:DateTime64(3, 'UTC')}
            )
            GROUP BY site_id, thread, half_hour
        )
        GROUP BY site_id, thread
    )
)
COMMENT 'Sessions of the events with since <= ts < until: FROM sessions(since = …, until = …). Told as in the reports, cut at both ends.';

CREATE OR REPLACE VIEW {analytics:Identifier}.visitors
(
    site_id       LowCardinality(String) COMMENT 'The site.',
    visitor_id    String COMMENT 'The browser or device.',
    user_id       String COMMENT 'The person that its events named last, empty if none did.',
    first_seen    DateTime64(3, 'UTC') COMMENT 'When its first event happened.',
    last_seen     DateTime64(3, 'UTC') COMMENT 'When its last event happened.',
    events        UInt64 COMMENT 'How many events.',
    pageviews     UInt64 COMMENT 'How many of them are page views.',
    channel       String COMMENT 'Acquisition channel of its first event.',
    source        String COMMENT 'Campaign source of its first event, else the host of the referrer.',
    utm_campaign  String COMMENT 'Campaign name of its first event.',
    entry_page    String COMMENT 'Path of its first page view.',
    country       String COMMENT 'ISO 3166-1 alpha-2 of its last event.',
    device_type   String COMMENT 'desktop, mobile, tablet, … of its last event.',
    bot           Bool COMMENT 'Whether any of its events is one of a machine.'
) AS
SELECT
    site_id,
    visitor_id,
    argMaxIf(events.user_id, moment, events.user_id != '') AS user_id,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    count() AS events,
    countIf(event = 'page_view') AS pageviews,
    (argMin((toString(events.channel), if(events.utm_source = '', toString(referrer_host), toString(events.utm_source)), toString(events.utm_campaign)), moment) AS origin).1 AS channel,
    origin.2 AS source,
    origin.3 AS utm_campaign,
    argMinIf(path, moment, event = 'page_view') AS entry_page,
    (argMax((toString(events.country), toString(events.device_type)), moment) AS latest).1 AS country,
    latest.2 AS device_type,
    max(events.bot) AS bot
FROM
(
    SELECT
        site_id, visitor_id, user_id, event, ts, path, channel, referrer_host, utm_source, utm_campaign, country, device_type, bot,
        (ts, toUInt128(event_id)) AS moment
    FROM events
) AS events
GROUP BY site_id, visitor_id
COMMENT 'Everybody who was ever seen, by browser or device. Of all events of the site: name a visitor_id where you can.';

CREATE OR REPLACE VIEW {analytics:Identifier}.users
(
    site_id      LowCardinality(String) COMMENT 'The site.',
    user_id      String COMMENT 'The person.',
    first_seen   DateTime64(3, 'UTC') COMMENT 'When the first event happened, of those before signing in too.',
    last_seen    DateTime64(3, 'UTC') COMMENT 'When the last event happened.',
    visitors     UInt64 COMMENT 'How many browsers or devices.',
    events       UInt64 COMMENT 'How many events.',
    pageviews    UInt64 COMMENT 'How many of them are page views.',
    channel      String COMMENT 'Acquisition channel of the first event.',
    source       String COMMENT 'Campaign source of the first event, else the host of the referrer.',
    utm_campaign String COMMENT 'Campaign name of the first event.',
    country      String COMMENT 'ISO 3166-1 alpha-2 of the last event.',
    traits       String COMMENT 'Properties of the last identify that named the person, as JSON text; empty if none did.'
) AS
SELECT
    site_id,
    person AS user_id,
    min(ts) AS first_seen,
    max(ts) AS last_seen,
    uniqExact(visitor_id) AS visitors,
    count() AS events,
    countIf(event = 'page_view') AS pageviews,
    (argMin((toString(seen.channel), if(seen.utm_source = '', toString(referrer_host), toString(seen.utm_source)), toString(seen.utm_campaign)), moment) AS origin).1 AS channel,
    origin.2 AS source,
    origin.3 AS utm_campaign,
    argMax(toString(seen.country), moment) AS country,
    argMaxIf(properties, moment, event = 'identify' AND named != '') AS traits
FROM
(
    SELECT
        events.site_id AS site_id, events.visitor_id AS visitor_id, event, ts, channel, utm_source, utm_campaign, referrer_host, country, properties,
        events.user_id AS named,
        (ts, toUInt128(event_id)) AS moment,
        if(named != '', named, people.user_id) AS person
    FROM events
    GLOBAL LEFT ANY JOIN
    (
        SELECT site_id, visitor_id, argMin(identity_links.user_id, identity_links.first) AS user_id
        FROM identity_links
        WHERE (site_id, visitor_id, identity_links.user_id) GLOBAL NOT IN
            (
                SELECT site_id, visitor_id, user_id
                FROM identity_corrections FINAL
                WHERE unlinked
            )
            AND (site_id, visitor_id) GLOBAL NOT IN
            (
                SELECT site_id, visitor_id
                FROM identity_corrections FINAL
                WHERE unlinked AND user_id = ''
            )
        GROUP BY site_id, visitor_id
    ) AS people ON people.site_id = events.site_id AND people.visitor_id = events.visitor_id
) AS seen
WHERE person != ''
GROUP BY site_id, user_id
COMMENT 'Everybody who was ever named, with what was done before signing in, as the reports tell people. Of all events of the site.';
