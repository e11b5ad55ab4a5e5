-- How many events there are in windows that slide by the minute, and how many of them are risky: what comes with a minute goes when
-- the window has passed it. Told are the minutes in which either changes, and whether there are more groups than these.
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
            at_minute,
            any(kept) AS kept,
            toInt64(countIf(is_counted)) AS counted,
            toInt64(count()) AS everything,
            [
                (any(greatest(at_minute, first_end)), counted, everything),
                (any(least(at_minute + width, last_end + 1)), -counted, -everything)
            ] AS steps
        FROM
        (
            SELECT
                id,
                kept,
                width,
                first_end,
                last_end,
                multiIf(by_field = 'event', toString(event), by_field = 'country', toString(country), by_field = 'device_type', toString(device_type), '') AS of_group,
                intDiv(toUnixTimestamp64Milli(ts), 60000) AS at_minute,
                multiIf(
                    share = 'risky_share', bot OR risk >= {risky:UInt8},
                    share = 'vpn_share', risk_vpn >= {likely:UInt8},
                    share = 'proxy_share', risk_proxy >= {likely:UInt8},
                    share = 'tor_share', risk_tor >= {likely:UInt8},
                    true
                ) AS is_counted
            FROM
            (
                SELECT site_id, event, ts, country, device_type, bot, risk, risk_band, risk_vpn, risk_proxy, risk_tor
                FROM events
                WHERE site_id IN {sites:Array(String)}
                    AND ts >= fromUnixTimestamp64Milli({start:Int64})
                    AND ts < fromUnixTimestamp64Milli({end:Int64})
            ) AS seen
            INNER JOIN $asked ON seen.site_id = asked.of_site
            WHERE (empty(below_names) OR has(below_names, event))
                AND (empty(countries) OR has(countries, country))
                AND (empty(devices) OR has(devices, device_type))
                AND (empty(bands) OR has(bands, if(risk_band = '', 'low', risk_band)))
                AND at_minute > first_end - width
                AND at_minute <= last_end
        )
        GROUP BY id, of_group, at_minute
    )
    ARRAY JOIN steps AS step
    GROUP BY id, of_group, end_minute
)
QUALIFY dense_rank() OVER (PARTITION BY id ORDER BY has(kept, of_group) DESC, size DESC, of_group ASC) <= {groups:UInt32}
ORDER BY id, of_group, end_minute
