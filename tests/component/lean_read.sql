SELECT toString(event_id), user_id, toString(utm_campaign), properties, risk, toInt64(revenue), toUnixTimestamp64Milli(sent_at)
FROM events
ORDER BY event_id
