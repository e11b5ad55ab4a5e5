-- Where each source of the ledger of a month stands: up to which place its entries and its events go.
SELECT
    key,
    max(stood) AS stands,
    max(ended) AS ends
FROM
(
    SELECT source.1 AS key, toInt64(source.2) AS stood, toInt64(-1) AS ended
    FROM
    (
        SELECT arrayJoin(CAST(maxMap(_applied), 'Array(Tuple(String, UInt64))')) AS source
        FROM ledger_minute
        WHERE site_id = '' AND toYYYYMM(minute) = toYYYYMM({day:Date})
    )
    UNION ALL
    SELECT concat(_log, ':', toString(_partition)) AS key, toInt64(-1), toInt64(max(_place))
    FROM events
    GROUP BY _log, _partition
)
GROUP BY key
