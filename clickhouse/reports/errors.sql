-- Errors by page and message without addresses, quoted texts, hexadecimal and other numbers, which differ from one to the
-- next: `total` is the row of all of them. What lies outside of the range, or does not pass, tells of the status alone: since
-- when a fault is known, and whether it was seen after it was resolved, in an older release perhaps.
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
            if(JSONType(properties, 'message') = 'String', JSONExtractString(properties, 'message'), '') AS whole,
            if(JSONType(properties, 'release') = 'String', JSONExtractString(properties, 'release'), '') AS release,
            ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({end:Int64}) AND $filtered AS counts,
            substringUTF8(
                replaceRegexpAll(
                    replaceRegexpAll(
                        replaceRegexpAll(
                            replaceRegexpAll(whole, 'https?://[^\\s"\')]+', '<url>'),
                            '"[^"]*"|\'[^\']*\'|`[^`]*`',
                            '<text>'
                        ),
                        '\\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})\\b',
                        '<hex>'
                    ),
                    '[0-9]+',
                    '<n>'
                ),
                1,
                500
            ) AS message,
            lower(hex(bitShiftRight(reinterpretAsUInt128(sipHash128(path, message)), 64)::UInt64)) AS print
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
        AND (empty({only:Array(String)}) OR has({only:Array(String)}, fingerprint))
    )
ORDER BY total DESC, errors DESC, path ASC, message ASC
LIMIT {limit:UInt32} + 1
