-- Each session, told from all events of the range: `parts` is what is told of its half hours, in order, as (first, last, told)
-- with both times in ms. What happens in the same half hour is of one session, so half hours are put in order, not events.
-- A session that the client names has one part. `moment` orders events: by time, at the same one by id.
(
    SELECT arrayJoin(arraySplit((half, is_begin) -> is_begin, halves, begins)) AS parts
    FROM
    (
        SELECT
            arraySort(half -> half.1, groupArray((first, last, told))) AS halves,
            arrayMap(
                (half, before) -> half.1 - before.2 > 1800000,
                halves,
                arrayPopBack(arrayPushFront(halves, halves[1]))
            ) AS begins
        FROM
        (
            SELECT thread, min(ms) AS first, max(ms) AS last, $told AS told
            FROM
            (
                SELECT
                    *,
                    toUnixTimestamp64Milli(ts) AS ms,
                    reinterpretAsUInt128(sipHash128(if(session_id != '', concat('s', session_id), concat('v', visitor_id)))) AS thread,
                    if(session_id != '', 0, toUInt32(intDiv(ms, 1800000))) AS half_hour,
                    bitShiftLeft(toUInt256(ms), 128) + toUInt128(event_id) AS moment
                FROM events
                WHERE site_id = {site:String}
                    AND ts >= fromUnixTimestamp64Milli({start:Int64})
                    AND ts < fromUnixTimestamp64Milli({end:Int64})
            )
            GROUP BY thread, half_hour
        )
        GROUP BY thread
    )
)
