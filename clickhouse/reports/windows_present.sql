-- How many are present in windows that slide by the minute, exactly: whoever is seen in a minute is so in each window that
-- holds it, which is a stretch of windows; where two stretches of one overlap the first ends early, so that nobody counts
-- twice. Told are the minutes with which stretches begin (+1) and before which they have ended (-1), above the line and below,
-- and whether there are more groups than these.
SELECT
    id,
    of_group,
    end_minute,
    above,
    below,
    uniqExact(of_group) OVER (PARTITION BY id) > {groups:UInt32} AS is_cut
FROM
(
    SELECT
        id,
        of_group,
        any(kept) AS kept,
        tupleElement(step, 1) AS end_minute,
        sum(tupleElement(step, 2)) AS above,
        sum(tupleElement(step, 3)) AS below,
        sum(sum(greatest(tupleElement(step, 3), 0))) OVER (PARTITION BY id, of_group) AS size
    FROM
    (
        SELECT
            id,
            of_group,
            kept,
            arrayMap((from, until) -> (greatest(from, first_end), least(until, last_end + 1)), above_from,
                arrayMap((until, next) -> least(until, next), above_until, arrayShiftLeft(above_from, 1, last_end + 1))) AS above_stretches,
            arrayMap((from, until) -> (greatest(from, first_end), least(until, last_end + 1)), below_from,
                arrayMap((from, next) -> least(from + width, next), below_from, arrayShiftLeft(below_from, 1, last_end + 1))) AS below_stretches,
            arrayConcat(
                arrayFlatten(arrayMap(s -> [(s.1, toInt64(1), toInt64(0)), (s.2, toInt64(-1), toInt64(0))], arrayFilter(s -> s.2 > s.1, above_stretches))),
                arrayFlatten(arrayMap(s -> [(s.1, toInt64(0), toInt64(1)), (s.2, toInt64(0), toInt64(-1))], arrayFilter(s -> s.2 > s.1, below_stretches)))
            ) AS steps
        FROM
        (
            SELECT
                id,
                of_group,
                kept,
                width,
                first_end,
                last_end,
                arrayMap(m -> m.1, arrayFilter(m -> m.2 > 0, minutes)) AS below_from,
                arrayFill(since -> since > 0, arrayMap(m -> if(m.2 > 0, m.1, 0), minutes)) AS begun,
                arrayMap(
                    (m, before) -> (m.1, multiIf(m.3 = 0, 0, NOT follows, m.1, m.2 > 0 AND m.2 < m.3, m.1, before)),
                    minutes,
                    arrayShiftRight(begun, 1, toInt64(0))
                ) AS ended,
                arrayFilter(e -> e.2 > 0 AND e.2 + width > e.1, ended) AS counted,
                arrayMap(e -> e.1, counted) AS above_from,
                arrayMap(e -> e.2 + width, counted) AS above_until
            FROM
            (
                SELECT
                    id,
                    of_group,
                    any(kept) AS kept,
                    any(follows) AS follows,
                    any(width) AS width,
                    any(first_end) AS first_end,
                    any(last_end) AS last_end,
                    arraySort(groupArray((at_minute, began_at, done_at))) AS minutes
                FROM
                (
                    SELECT
                        id,
                        of_group,
                        who,
                        at_minute,
                        any(kept) AS kept,
                        any(follows) AS follows,
                        any(width) AS width,
                        any(first_end) AS first_end,
                        any(last_end) AS last_end,
                        minIf(ms, is_below) AS began_at,
                        maxIf(ms, is_above) AS done_at
                    FROM
                    (
                        SELECT
                            id,
                            kept,
                            follows,
                            width,
                            first_end,
                            last_end,
                            who,
                            multiIf(by_field = 'event', toString(event), by_field = 'country', toString(country), by_field = 'device_type', toString(device_type), '') AS of_group,
                            toUnixTimestamp64Milli(ts) AS ms,
                            intDiv(ms, 60000) AS at_minute,
                            empty(below_names) OR has(below_names, event) AS is_below,
                            empty(above_names) OR has(above_names, event) AS is_above
                        FROM $rows AS seen
                        INNER JOIN $asked ON seen.site_id = asked.of_site
                        WHERE (is_below OR is_above)
                            AND (empty(countries) OR has(countries, country))
                            AND (empty(devices) OR has(devices, device_type))
                            AND (empty(bands) OR has(bands, if(risk_band = '', 'low', risk_band)))
                            AND at_minute > first_end - width
                            AND at_minute <= last_end
                    )
                    GROUP BY id, of_group, who, at_minute
                )
                GROUP BY id, of_group, who
            )
        )
    )
    ARRAY JOIN steps AS step
    GROUP BY id, of_group, end_minute
)
QUALIFY dense_rank() OVER (PARTITION BY id ORDER BY has(kept, of_group) DESC, size DESC, of_group ASC) <= {groups:UInt32}
ORDER BY id, of_group, end_minute
