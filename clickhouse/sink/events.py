"""`pulse.events` → `events`."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink.decimal import decimals, units
from clickhouse.sink.kind import Kind, is_missing, is_outside, place_columns, source
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
from pulse import topics
from pulse.event import MAX_MS, RefinedEvent

MOST_MONEY = 1e12
UUID = "^[0-9a-fA-F]{32}$"

TEXTS = (
    "event_id",
    "visitor_id",
    "user_id",
    "session_id",
    "url",
    "path",
    "referrer",
    "title",
    "ip",
    "fingerprint_id",
    "properties",
)
WORDS = (
    *("site_id", "event", "host", "referrer_host", "channel", "consent", "clock", "currency"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "screen", "language", "timezone"),
    *("country", "region", "city", "device_type", "browser", "browser_version", "os", "os_version"),
    *("as_org", "network", "network_source", "bot_name", "bot_kind", "bot_claim"),
    *("risk_band", "risk_confidence", "risk_reasons", "risk_rules"),
)
SCORES = ("risk", "risk_vpn", "risk_proxy", "risk_tor", "risk_relay", "risk_bot", "risk_tamper")
TIMES = ("ts", "received_at", "sent_at")

TYPES = {
    **dict.fromkeys((*TEXTS, *WORDS), pa.string()),
    **dict.fromkeys(TIMES, pa.int64()),
    "revenue": pa.float64(),
    "asn": pa.uint32(),
    "as_entropy": pa.float32(),
    "network_days": pa.uint16(),
    **dict.fromkeys(SCORES, pa.uint8()),
    "bot": pa.bool_(),
    "imported": pa.bool_(),
}
SCHEMA = pa.schema([(name, TYPES[name]) for name in RefinedEvent.__struct_fields__ if name in TYPES])
"""In the order in which refinement writes the fields: so reading them is fastest."""


DEFAULTS = {
    **dict.fromkeys((*TEXTS, *WORDS), ""),
    **dict.fromkeys(("asn", "as_entropy", "network_days", *SCORES), 0),
    **dict.fromkeys(("bot", "imported"), False),
    "properties": "{}",
}
"""Those of the table: a null costs it far more to replace than it costs here."""


def columns(rows: pa.Table, origin: Numbers, records: Sequence[Record]) -> pa.Table:
    """The columns of `events`; what no row has is left to the table's defaults."""
    there = {name for name in rows.column_names if rows[name].null_count < len(rows)}
    made = {name: pc.fill_null(rows[name], default) for name, default in DEFAULTS.items() if name in there}
    made["event_id"] = _plain(rows["event_id"])
    made |= {name: made[name].dictionary_encode() for name in WORDS if name in there}
    made |= {name: rows[name].cast(pa.timestamp("ms", "UTC")) for name in TIMES if name in there}
    if "revenue" in there:
        amounts = rows["revenue"].to_numpy(zero_copy_only=False).astype(np.float64)
        made["revenue"] = decimals(units(amounts), 18)
    return pa.table(made | place_columns(origin, records))


def _plain(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(ids, "-", "")


EVENTS = Kind(
    topic=topics.EVENTS,
    table="events",
    mark=source,
    schema=SCHEMA,
    checks=(
        is_missing("site_id", "event", "event_id", "ts"),
        ("event_id is no UUID", lambda rows: pc.invert(pc.match_substring_regex(_plain(rows["event_id"]), UUID))),
        is_outside("ts", 0, MAX_MS),
        is_outside("received_at", 0, MAX_MS),
        is_outside("sent_at", 0, MAX_MS),
        is_outside("revenue", -MOST_MONEY, MOST_MONEY),
    ),
    month="ts",
    columns=columns,
)
