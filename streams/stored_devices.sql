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
                xxHash64(concat(site_id, '\0', fingerprint_id, '\0', visitor_id)) AS device,
                arrayJoin(
                    arrayFilter(
                        thing -> thing != 0,
                        [
                            if(ip = '' OR network IN ('mobile', 'relay', 'gateway'), 0, bitOr(bitShiftLeft(toUInt64(1), 35), bitAnd(xxHash64(ip), toUInt64(0x7FFFFFFFF)))),
                            if(asn = 0, 0, bitOr(bitShiftLeft(toUInt64(2), 35), toUInt64(asn))),
                            if(country = '', 0, bitOr(bitShiftLeft(toUInt64(3), 35), bitAnd(xxHash64(toString(country)), toUInt64(0x7FFFFFFFF)))),
                            if(session_id = '', 0, bitOr(bitShiftLeft(toUInt64(4), 35), bitAnd(xxHash64(session_id), toUInt64(0x7FFFFFFFF)))),
                            if(
                                asn = 0 OR network != 'eyeball' OR length(country) != 2,
                                0,
                                bitOr(
                                    bitShiftLeft(toUInt64(5), 35),
                                    bitOr(
                                        bitShiftLeft(toUInt64(reinterpretAsUInt16(toString(country))), 19),
                                        bitAnd(toUInt64(asn), toUInt64(0x7FFFF))
                                    )
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
                AND received_at >= fromUnixTimestamp64Milli({since:Int64})
        )
        GROUP BY device, thing
    )
    GROUP BY device
    ORDER BY met DESC, device
    LIMIT {most:UInt64}
)
ORDER BY met, device
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
