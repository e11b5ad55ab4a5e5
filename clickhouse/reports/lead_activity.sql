-- What a session, or a visitor where no session is known, did around a moment.
SELECT
    uniqExact(event_id) AS events,
    toUnixTimestamp64Milli(min(ts)) AS began,
    toUnixTimestamp64Milli(max(ts)) AS ended,
    uniqExactIf(event_id, event = 'page_view') AS views,
    argMin(path, (ts, event_id)) AS entry,
    argMax(path, (ts, event_id)) AS exit,
    argMin(channel, (ts, event_id)) AS came_by,
    argMin(referrer_host, (ts, event_id)) AS referrer,
    argMin(utm_source, (ts, event_id)) AS source,
    argMin(utm_campaign, (ts, event_id)) AS campaign,
    argMax(country, (ts, event_id)) AS last_country,
    argMax(device_type, (ts, event_id)) AS last_device,
    argMax(browser, (ts, event_id)) AS last_browser,
    argMax(os, (ts, event_id)) AS last_os,
    max(bot) AS is_bot,
    max(risk) AS highest,
    max(risk_vpn) AS vpn,
    argMax(risk_reasons, (risk, ts)) AS reasons
FROM events
WHERE site_id = {site:String}
    AND ts BETWEEN fromUnixTimestamp64Milli({from:Int64}) AND fromUnixTimestamp64Milli({to:Int64})
    AND if({session:String} != '', session_id = {session:String}, visitor_id = {visitor:String})
