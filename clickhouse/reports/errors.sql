-- Errors by page and message: `total` is the row of all of them. What lies outside of the range, or does not pass, tells of
-- the status alone: since when a fault is known, and whether it was seen after it was resolved, in an older release perhaps.
SELECT
    toUInt8(grouping(path)) AS total,
    if(total, '', any(print)) AS fingerprint,
    path,
    message,
    argMinIf(whole, (ts, id), counts) AS example,
    countIf(counts) AS errors,
    uniqExactIf(visitor, counts) AS visitors,
    uniqExactIf(user, counts) AS users,
    minIf(ts, counts) AS first,
    maxIf(ts, counts) AS last,
    argMaxIf(release, (ts, id), counts) AS latest,
    multiIf(
        total, '',
        max(resolved) = 0, if(min(ts) < fromUnixTimestamp64Milli({start:Int64}), 'ongoing', 'new'),
        countIf(is_again) > 0, 'regressed',
        'resolved'
    ) AS status,
    countIf(NOT total) OVER () AS faults
FROM
(
    SELECT
        ts, visitor, user, path, id, whole, message, counts, release, print,
        transform(print, {resolved:Array(String)}, {resolved_at:Array(Int64)}, toInt64(0)) AS resolved,
        transform(print, {resolved:Array(String)}, {resolved_in:Array(String)}, '') AS fixed,
        resolved > 0
            AND ts > fromUnixTimestamp64Milli(resolved)
            AND NOT (match(release, {version:String}) AND match(fixed, {version:String}) AND $numbers_seen < $numbers_fixed) AS is_again
    FROM
    (
        SELECT
            ts,
            $visitor AS visitor,
            $user AS user,
            path,
            toUInt128(event_id) AS id,
            if(JSONType(properties, 'release') = 'String', JSONExtractString(properties, 'release'), '') AS release,
            ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({end:Int64}) AND $filtered AS counts,
            $named
        FROM events
        WHERE site_id = {site:String}
            AND event = {name:String}
            AND ts >= fromUnixTimestamp64Milli({since:Int64})
            AND ts < fromUnixTimestamp64Milli({until:Int64})
    )
)
GROUP BY GROUPING SETS ((path, message), ())
HAVING total
    OR (
        errors > 0
        AND (empty({statuses:Array(String)}) OR has({statuses:Array(String)}, status))
    )
ORDER BY total DESC, errors DESC, path ASC, message ASC
LIMIT {limit:UInt32} + 1
