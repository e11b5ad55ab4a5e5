-- Which rules of some sites, and groups of theirs, told last that they fire, or that nothing comes, and did so before a moment.
SELECT
    toString(site_id) AS site,
    toString(rule_id) AS rule,
    toString(group) AS of_group,
    (argMax((kind, window_end), (at, window_end, kind = 'resolved')) AS last).1 = 'no_data' AS is_silent,
    intDiv(toUnixTimestamp(last.2), 60) - 1 AS minute
FROM alert_history
WHERE site_id IN {sites:Array(String)} AND NOT test
GROUP BY site, rule, of_group
HAVING last.1 != 'resolved' AND max(at) < fromUnixTimestamp64Milli({before:Int64})
