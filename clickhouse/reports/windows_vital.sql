-- The 75th percentile of measurements in windows that slide by the minute, exactly, how many there are, and whether there are more
-- groups than these.
SELECT
    id,
    of_group,
    end_minute,
    value,
    volume,
    uniqExact(of_group) OVER (PARTITION BY id) > {groups:UInt32} AS is_cut
FROM
(
    SELECT
        id,
        of_group,
        any(kept) AS kept,
        arrayJoin(range(greatest(first_end, at_minute), least(last_end, at_minute + width - 1) + 1)) AS end_minute,
        quantileExactInclusive(0.75)(measured) AS value,
        count() AS volume,
        sum(count()) OVER (PARTITION BY id, of_group) AS size
    FROM
    (
        SELECT
            id,
            kept,
            width,
            first_end,
            last_end,
            multiIf(by_field = 'country', toString(country), by_field = 'device_type', toString(device_type), '') AS of_group,
            intDiv(toUnixTimestamp64Milli(ts), 60000) AS at_minute,
            if(JSONType(properties, vital) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(properties, vital), NULL) AS number,
            if(isFinite(number) AND number >= 0, number, NULL) AS measured
        FROM
        (
            SELECT site_id, ts, country, device_type, properties
            FROM events
            WHERE site_id IN {sites:Array(String)}
                AND event = 'web_vitals'
                AND ts >= fromUnixTimestamp64Milli({start:Int64})
                AND ts < fromUnixTimestamp64Milli({end:Int64})
        ) AS seen
        INNER JOIN $asked ON seen.site_id = asked.of_site
        WHERE measured IS NOT NULL
            AND (empty(countries) OR has(countries, country))
            AND (empty(devices) OR has(devices, device_type))
            AND at_minute > first_end - width
            AND at_minute <= last_end
    )
    GROUP BY id, of_group, end_minute
)
QUALIFY dense_rank() OVER (PARTITION BY id ORDER BY has(kept, of_group) DESC, size DESC, of_group ASC) <= {groups:UInt32}
ORDER BY id, of_group, end_minute
