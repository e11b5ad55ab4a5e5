-- What the rules of a site told, the latest first, before a moment and id.
SELECT
    id, toUnixTimestamp64Milli(at) AS at_ms, toString(kind) AS kind, toString(rule_id) AS rule_id, toString(rule) AS rule,
    toString(severity) AS severity, toString(group) AS group, value, low, high,
    toUnixTimestamp(window_start) * 1000 AS start_ms, toUnixTimestamp(window_end) * 1000 AS end_ms, reason, test
FROM alert_history FINAL
WHERE site_id = {site:String}
    AND (empty({rule:String}) OR rule_id = {rule:String})
    AND (at, id) < (fromUnixTimestamp64Milli({before:Int64}), {last:String})
ORDER BY at DESC, id DESC
LIMIT {limit:UInt32}
