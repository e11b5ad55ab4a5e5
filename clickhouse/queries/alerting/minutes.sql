-- What the minute aggregates hold of some sites from a minute on, by those dimensions that are asked for; and, of the empty
-- site, up to which places each month goes. One reading, so that the two belong together.
SELECT
    toString(site_id) AS site,
    site = '' AS is_mark,
    toYYYYMM(metrics_minute.minute) AS month,
    if(is_mark, 0, intDiv(toUnixTimestamp(metrics_minute.minute), 60)) AS at,
    if({by_event:Bool}, toString(metrics_minute.event), '') AS of_event,
    if({by_country:Bool}, toString(metrics_minute.country), '') AS of_country,
    if({by_device:Bool}, toString(metrics_minute.device_type), '') AS of_device,
    if({by_currency:Bool}, toString(metrics_minute.currency), '') AS of_currency,
    toInt64(sum(metrics_minute.events)) AS n,
    toInt64(sum(metrics_minute.bots)) AS n_bots,
    toInt64(sum(metrics_minute.revenue) * 10000) AS money,
    maxMap(_applied) AS applied
FROM metrics_minute
WHERE site_id = ''
    OR (
        site_id IN {sites:Array(String)}
        AND metrics_minute.minute >= fromUnixTimestamp({since:Int64} * 60)
        AND metrics_minute.minute < fromUnixTimestamp({until:Int64} * 60)
    )
GROUP BY site, is_mark, month, at, of_event, of_country, of_device, of_currency
ORDER BY site, at, of_event, of_country, of_device, of_currency
