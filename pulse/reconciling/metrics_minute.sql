-- Minutes of a day whose aggregates differ from their events. Both sides are cut at the same places: the sums say in
-- `_applied` which records are in them, and only events of those count. `beyond` is how many others there are, which
-- are on their way. A source that stood still while all that was in the log passed has nothing on its way: it is cut
-- where its events ended (`ended`) as long as its sums still end where they did (`stood`). `unsettled` is a cell whose
-- sums may hold what the events do not hold yet.
WITH
    (
        SELECT (maxMap(_applied), groupArrayIf((site_id, minute, event, country, device_type, currency, n, b, r), site_id != ''))
        FROM
        (
            SELECT
                site_id, minute, event, country, device_type, currency,
                sum(events) AS n, sum(bots) AS b, sum(revenue) AS r, maxMap(_applied) AS _applied
            FROM metrics_minute
            WHERE (site_id = '' AND toYYYYMM(minute) = toYYYYMM({day:Date}))
                OR (site_id != '' AND toDate(minute) = {day:Date} AND (empty({site:String}) OR site_id = {site:String}))
            GROUP BY site_id, minute, event, country, device_type, currency
        )
    ) AS sums,
    (
        SELECT mapFromArrays(groupArray(source), groupArray(place))
        FROM
        (
            SELECT concat(_log, ':', toString(_partition)) AS source, max(_place) AS place
            FROM events
            WHERE toYYYYMM(ts) >= toYYYYMM({day:Date})
            GROUP BY _log, _partition
        )
    ) AS reached,
    sums.1 AS applied,
    arrayDistinct(arrayMap(
        key -> toUInt64(splitByChar(':', key)[-2]),
        arrayFilter(
            key -> applied[key] > reached[concat(arrayStringConcat(arraySlice(splitByChar(':', key), 1, -2), ':'), ':', splitByChar(':', key)[-1])]
                AND NOT (mapContains({stood:Map(String, Int64)}, key) AND {stood:Map(String, Int64)}[key] = toInt64(applied[key])),
            mapKeys(applied)
        )
    )) AS waiting
SELECT
    site_id, minute, event, country, device_type, currency,
    sum(kept_events) AS events_kept,
    sum(counted_events) AS events_counted,
    sum(kept_bots) AS bots_kept,
    sum(counted_bots) AS bots_counted,
    sum(kept_revenue) AS revenue_kept,
    sum(counted_revenue) AS revenue_counted,
    sum(later) AS beyond,
    has(waiting, xxh3(concat(site_id, '\0')) % {partitions:UInt16}) AS unsettled
FROM
(
    SELECT
        cell.1 AS site_id, cell.2 AS minute, cell.3 AS event, cell.4 AS country, cell.5 AS device_type, cell.6 AS currency,
        cell.7 AS kept_events, 0 AS counted_events, cell.8 AS kept_bots, 0 AS counted_bots,
        cell.9 AS kept_revenue, toDecimal128(0, 4) AS counted_revenue, 0 AS later
    FROM (SELECT arrayJoin(sums.2) AS cell)
    UNION ALL
    SELECT
        site_id, toDateTime(toStartOfMinute(ts), 'UTC') AS minute, event, country, device_type, currency,
        0, countIf(is_in), 0, countIf(is_in AND bot), toDecimal128(0, 4), sumIf(toDecimal128(revenue, 4), is_in), countIf(NOT is_in)
    FROM
    (
        SELECT
            *,
            concat(_log, ':', toString(xxh3(concat(site_id, '\0')) % {partitions:UInt16}), ':', toString(_partition)) AS key,
            if(mapContains(applied, key), toInt64(applied[key]), -1) AS until,
            toInt64(_place) <= if(
                mapContains({stood:Map(String, Int64)}, key) AND {stood:Map(String, Int64)}[key] = until,
                greatest(until, {ended:Map(String, Int64)}[key]),
                until
            ) AS is_in
        FROM events
        WHERE toDate(ts) = {day:Date} AND (empty({site:String}) OR site_id = {site:String})
    )
    GROUP BY site_id, minute, event, country, device_type, currency
)
GROUP BY site_id, minute, event, country, device_type, currency
HAVING events_kept != events_counted OR bots_kept != bots_counted OR revenue_kept != revenue_counted OR beyond > 0
ORDER BY site_id, minute, event, country, device_type, currency
SETTINGS output_format_json_quote_decimals = 1
