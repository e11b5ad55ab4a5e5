-- Minutes of receipt of a day whose events are not as many as the ledger says are stored. Only events of records that
-- are entered count; `beyond` is how many others there are, which are on their way (see metrics_minute.sql).
WITH
    (
        SELECT (maxMap(_applied), groupArrayIf((site_id, minute, k), toDate(minute) = {day:Date}))
        FROM
        (
            SELECT site_id, minute, toInt64(sum(kept)) - toInt64(sum(unstorable)) AS k, maxMap(_applied) AS _applied
            FROM ledger_minute
            WHERE (site_id = '' AND toYYYYMM(minute) = toYYYYMM({day:Date}))
                OR (toDate(minute) = {day:Date} AND (empty({site:String}) OR site_id = {site:String}))
            GROUP BY site_id, minute
        )
    ) AS sums,
    (SELECT minMap(_began) FROM ledger_minute WHERE site_id = '') AS began,
    sums.1 AS applied
SELECT
    site_id,
    minute,
    sum(kept) AS events_kept,
    sum(counted) AS events_counted,
    sum(later) AS beyond,
    0 AS unsettled
FROM
(
    SELECT cell.1 AS site_id, cell.2 AS minute, cell.3 AS kept, 0 AS counted, 0 AS later
    FROM (SELECT arrayJoin(sums.2) AS cell)
    WHERE empty({site:String}) OR site_id = {site:String}
    UNION ALL
    SELECT site_id, toDateTime(toStartOfMinute(received_at), 'UTC') AS minute, 0, countIf(is_in), countIf(NOT is_in)
    FROM
    (
        SELECT
            *,
            concat(_log, ':', toString(_partition)) AS key,
            if(mapContains(applied, key), toInt64(applied[key]), -1) AS until,
            toInt64(_place) <= if(
                mapContains({stood:Map(String, Int64)}, key) AND {stood:Map(String, Int64)}[key] = until,
                greatest(until, {ended:Map(String, Int64)}[key]),
                until
            ) AS is_in
        FROM events
        WHERE received_at >= toDateTime64({day:Date}, 3, 'UTC') AND received_at < toDateTime64({day:Date} + 1, 3, 'UTC')
            AND (empty({site:String}) OR site_id = {site:String})
            AND mapContains(began, key)
            AND _place >= began[key]
    )
    GROUP BY site_id, minute
)
GROUP BY site_id, minute
HAVING events_kept != events_counted OR beyond > 0
ORDER BY site_id, minute
SETTINGS output_format_json_quote_decimals = 1
