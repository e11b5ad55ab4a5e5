-- What analysts see: stable views, without the columns that serve the machinery.
CREATE DATABASE IF NOT EXISTS {analytics:Identifier};

CREATE OR REPLACE VIEW {analytics:Identifier}.events AS
SELECT
    site_id, event, ts, received_at, sent_at, event_id, visitor_id, user_id, session_id,
    url, host, path, referrer, referrer_host, channel, title,
    utm_source, utm_medium, utm_campaign, utm_term, utm_content,
    screen, language, timezone, country, region, city,
    device_type, browser, browser_version, os, os_version, asn, ip, fingerprint_id,
    bot, revenue, currency, consent, clock, imported, properties
FROM events
COMMENT 'Every event. Times are UTC; properties are JSON text: JSONExtractString(properties, ''name'').';

CREATE OR REPLACE VIEW {analytics:Identifier}.metrics_minute AS
SELECT
    site_id, minute, event, country, device_type, currency,
    sum(events) AS events,
    sum(bots) AS bots,
    sum(revenue) AS revenue
FROM metrics_minute
WHERE site_id != ''
GROUP BY site_id, minute, event, country, device_type, currency
COMMENT 'One row for each site, minute, event, country, device type and currency: events, those by bots, revenue.';

CREATE OR REPLACE VIEW {analytics:Identifier}.rejected AS
SELECT site_id, received_at, reason, field, detail, event_id, line, stored_at
FROM events_rejected
COMMENT 'What was refused after it had been accepted, and why; kept for 30 days.';

CREATE OR REPLACE VIEW {analytics:Identifier}.config AS
SELECT kind, id, value, stored_at
FROM config FINAL
WHERE NOT deleted AND kind != 'key'
COMMENT 'Sites and whatever else the control plane keeps but keys, as last saved; value is JSON text.';
