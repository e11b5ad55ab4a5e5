-- Whose network an event came from, of which kind it is, and which bot it was.
ALTER TABLE events
    ADD COLUMN IF NOT EXISTS as_org LowCardinality(String) COMMENT 'Organisation of the autonomous system.' AFTER asn,
    ADD COLUMN IF NOT EXISTS as_entropy Float32 COMMENT 'Over how many countries the autonomous system spreads, in bits; 0 if it is one or unknown.' AFTER as_org,
    ADD COLUMN IF NOT EXISTS network LowCardinality(String) COMMENT 'Kind of network: eyeball, mobile, hosting, vpn, relay, tor, gateway, crawler, unknown; empty where there were no data.' AFTER as_entropy,
    ADD COLUMN IF NOT EXISTS network_source LowCardinality(String) COMMENT 'Who says of which kind it is; empty if it follows from the autonomous system.' AFTER network,
    ADD COLUMN IF NOT EXISTS network_days UInt16 CODEC(ZSTD(1)) COMMENT 'How old the data were that tell the kind, in days.' AFTER network_source,
    ADD COLUMN IF NOT EXISTS bot_name LowCardinality(String) COMMENT 'Name of the bot, where it is known.' AFTER bot,
    ADD COLUMN IF NOT EXISTS bot_kind LowCardinality(String) COMMENT 'What the bot is for: search, ai, preview, monitor, seo, ads, feed, archive, research, scanner, automation, library, other.' AFTER bot_name,
    ADD COLUMN IF NOT EXISTS bot_claim LowCardinality(String) COMMENT 'What the address says of who calls itself a known crawler: verified, spoofed, or empty where it cannot be told.' AFTER bot_kind;
