-- Which devices were at the networks of a partition since a moment, by what is stored, where some number of them is usual: of each
-- network a word of 64 bits for each device, as `pulse.risk.packed` has them, the latest 128 of them, by the half hour. Of too many networks those that were
-- met last; the one met longest ago comes first, and the words of each stand together.
SELECT
    place,
    arrayJoin(words) AS word
FROM
(
    SELECT
        place,
        words,
        met,
        sum({each:UInt64} + if(length(words) <= 12, 8 * length(words), 4 + 5 * length(words))) OVER (ORDER BY met DESC, place ASC ROWS UNBOUNDED PRECEDING) AS bytes
    FROM
    (
        SELECT
            place,
            arraySlice(arrayReverseSort(one -> (bitAnd(one, 67108863), one), groupArray(word)), 1, 128) AS words,
            max(bitAnd(word, 67108863)) AS met
        FROM
        (
            SELECT
                bitAnd(xxHash64(concat(site_id, '\0', ip)), toUInt64(0xFFFFFFFFFFFFFFF)) AS place,
                bitAnd(xxHash64(fingerprint_id), toUInt64(0x3FFFFFF)) AS device,
                bitOr(
                    bitShiftLeft(bitOr(bitShiftLeft(toUInt64(7), 26), device), 26),
                    toUInt64(max(least(greatest(intDiv(toUnixTimestamp64Milli(received_at), 60000) - 26297280, 0), 67108863) AS minute) - max(minute) % 30)
                ) AS word
            FROM events
            WHERE fingerprint_id != ''
                AND consent = 'granted'
                AND NOT imported
                AND ip != ''
                AND network IN {kinds:Array(String)}
                AND _partition = {partition:UInt16}
                AND (_log != {log:String} OR bitShiftRight(_place, 10) < {before:UInt64})
                AND received_at >= fromUnixTimestamp64Milli({since:Int64})
            GROUP BY place, device
        )
        GROUP BY place
    )
)
WHERE bytes <= {most:UInt64}
ORDER BY met, place
SETTINGS max_bytes_before_external_group_by = 1000000000, max_bytes_before_external_sort = 1000000000
