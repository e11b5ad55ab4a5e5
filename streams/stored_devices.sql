-- Where the devices of a partition were seen since a moment, by what is stored: of each device a word of 64 bits for each thing,
-- as `pulse.risk.packed` has them. Words of the same thing with an earlier minute are left out. Of too many devices
-- those that were met last; the one met longest ago comes first, and the words of each stand together.
SELECT
    device,
    arrayJoin(words) AS word
FROM
(
    SELECT
        device,
        words,
        met,
        sum({each:UInt64} + if(length(words) <= 12, 8 * length(words), least(4 + 5 * length(words), 364))) OVER (ORDER BY met DESC, device ASC ROWS UNBOUNDED PRECEDING) AS bytes
    FROM
    (
        SELECT
            device,
            groupArray(word) AS words,
            max(bitAnd(word, 67108863)) AS met
        FROM
        (
            SELECT
                device,
                bitOr(bitShiftLeft(thing, 26), toUInt64(max(minute))) AS word
            FROM
            (
                SELECT
                    bitAnd(xxHash64(concat(site_id, '\0', fingerprint_id, '\0', visitor_id)), toUInt64(0xFFFFFFFFFFFFFFF)) AS device,
                    toUInt64(0x3FFFFFF) AS which,
                    bitAnd(xxHash64(session_id), which) AS session,
                    toString(country) AS land,
                    arrayJoin(
                        arrayFilter(
                            thing -> thing != 0,
                            [
                                if(ip = '' OR network IN ('mobile', 'relay', 'gateway'), 0, bitOr(bitShiftLeft(toUInt64(1), 26), bitAnd(xxHash64(ip), which))),
                                if(asn = 0, 0, bitOr(bitShiftLeft(toUInt64(2), 26), bitAnd(toUInt64(asn), which))),
                                if(land = '', 0, bitOr(bitShiftLeft(toUInt64(3), 26), bitAnd(xxHash64(land), which))),
                                if(session_id = '', 0, bitOr(bitShiftLeft(toUInt64(4), 26), session)),
                                if(
                                    asn = 0 OR network != 'eyeball' OR NOT match(land, '^[A-Z][A-Z]$'),
                                    0,
                                    bitOr(
                                        bitShiftLeft(toUInt64(5), 26),
                                        bitOr(
                                            bitShiftLeft(bitAnd(toUInt64(ascii(land)), 31), 21),
                                            bitOr(
                                                bitShiftLeft(bitAnd(toUInt64(ascii(substring(land, 2))), 31), 16),
                                                bitAnd(toUInt64(asn), toUInt64(0xFFFF))
                                            )
                                        )
                                    )
                                ),
                                if(
                                    asn = 0 OR session_id = '',
                                    0,
                                    bitOr(
                                        bitShiftLeft(toUInt64(6), 26),
                                        bitOr(bitAnd(bitShiftLeft(xxHash64(session_id), 12), which), bitAnd(toUInt64(asn), toUInt64(0xFFF)))
                                    )
                                )
                            ]
                        )
                    ) AS thing,
                    least(greatest(intDiv(toUnixTimestamp64Milli(received_at), 60000) - 26297280, 0), 67108863) AS minute
                FROM events
                WHERE fingerprint_id != ''
                    AND consent = 'granted'
                    AND NOT imported
                    AND _partition = {partition:UInt16}
                    AND (_log != {log:String} OR bitShiftRight(_place, 10) < {before:UInt64})
                    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
            )
            GROUP BY device, thing
        )
        GROUP BY device
    )
)
WHERE bytes <= {most:UInt64}
ORDER BY met, device
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
