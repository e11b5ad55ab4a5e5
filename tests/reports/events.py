"""Small random sets of events: few visitors, equal times, people known and unknown, properties of every type."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
from msgspec import Struct, json, structs

from clickhouse.client import Client

DAY = 86_400_000
BEGIN = int(datetime(2026, 3, 5, tzinfo=UTC).timestamp() * 1000)
"""Three days before New York's clocks go forward."""
SITE = "shop"
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""Odd, so that multiples are different ids; in an order that is neither theirs by number nor that of their second halves."""


class Event(Struct, frozen=True, kw_only=True):
    """An event as it is stored, so far as reports look at it. `properties` are JSON text."""

    site_id: str = SITE
    event: str = "page_view"
    ts: int = BEGIN
    event_id: str = ""
    visitor_id: str = ""
    user_id: str = ""
    session_id: str = ""
    path: str = ""
    referrer_host: str = ""
    channel: str = ""
    utm_source: str = ""
    country: str = ""
    device_type: str = ""
    browser: str = ""
    bot: bool = False
    bot_name: str = ""
    bot_kind: str = ""
    bot_claim: str = ""
    ip: str = ""
    fingerprint_id: str = ""
    asn: int = 0
    as_org: str = ""
    network: str = ""
    network_days: int = 0
    risk: int = 0
    risk_band: str = ""
    risk_vpn: int = 0
    risk_bot: int = 0
    risk_confidence: str = ""
    risk_reasons: str = ""
    risk_rules: str = ""
    revenue: float = 0.0
    currency: str = ""
    properties: str = "{}"

    def property(self, name: str) -> Any:
        """A property's value, None if it has none."""
        return json.decode(self.properties).get(name)


def some(dice: random.Random, most: int = 40, days: int = 10) -> list[Event]:
    """Up to so many events over some days, some at the very same moment, in any order."""
    moments = [BEGIN + dice.randrange(days * DAY) for _ in range(max(most // 2, 1))]
    return [
        _event(dice, dice.choice(moments) + dice.choice((0, 0, 0, 1, 1_000, 60_000)), n)
        for n in range(dice.randrange(most))
    ]


def _event(dice: random.Random, ts: int, number: int) -> Event:
    visitor = f"v{dice.randrange(5)}"
    paid = dice.random() < 0.2
    return Event(
        site_id=dice.choice((SITE, SITE, SITE, "other")),
        event=dice.choice(("page_view", "page_view", "signup", "purchase")),
        ts=ts,
        event_id=str(UUID(int=(number + 1) * SPREAD % 2**128)),
        visitor_id=visitor,
        user_id=dice.choice(("", "", f"u{dice.randrange(3)}")),
        session_id=dice.choice(("", "", f"s-{visitor}-{dice.randrange(2)}")),
        path=dice.choice(("/", "/a", "/b", "/A")),
        referrer_host=dice.choice(("", "news.example", "t.co")),
        channel=dice.choice(("direct", "organic search", "referral")),
        utm_source=dice.choice(("", "mail")),
        country=dice.choice(("AT", "US", "")),
        device_type=dice.choice(("desktop", "mobile")),
        browser=dice.choice(("Chrome", "Firefox")),
        bot=dice.random() < 0.1,
        revenue=dice.randrange(1, 10_000) / 100 if paid else 0.0,
        currency="EUR" if paid else "",
        properties=json.encode(_properties(dice)).decode(),
    )


def _properties(dice: random.Random) -> dict[str, Any]:
    some: dict[str, Any] = {
        "plan": dice.choice(("pro", "free", "Pro", 5, True, None)),
        "price": dice.choice((1, 2.5, 10, "10")),
    }
    return {name: value for name, value in some.items() if dice.random() < 0.7}


def fill(client: Client, events: list[Event]) -> None:
    """Store events, each month for itself."""
    by_month: dict[int, list[Event]] = {}
    for event in events:
        by_month.setdefault(datetime.fromtimestamp(event.ts / 1000, UTC).month, []).append(event)
    for own in by_month.values():
        client.insert("events", _table(own))


def _table(events: list[Event]) -> pa.Table:
    rows = pa.Table.from_pylist([structs.asdict(event) for event in events])
    times = pa.array([event.ts for event in events], pa.timestamp("ms", "UTC"))
    changed = {
        "ts": times,
        "received_at": times,
        "event_id": pa.array([event.event_id.replace("-", "") for event in events]),
        "revenue": pa.array([f"{event.revenue:.4f}" for event in events]).cast(pa.decimal128(18, 4)),
    }
    return pa.table({name: rows[name] for name in rows.column_names} | changed)
