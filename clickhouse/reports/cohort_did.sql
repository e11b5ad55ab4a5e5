(
    SELECT $who AS member
    FROM events
    WHERE site_id = $site
        AND ts >= fromUnixTimestamp64Milli($since)
        AND ts < fromUnixTimestamp64Milli($until)
        AND $passes
    GROUP BY 1
    HAVING $having
)
