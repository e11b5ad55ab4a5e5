"""A device by its fingerprint, a network of addresses, an autonomous system: what was seen of it of late, and in all."""

from dataclasses import dataclass
from typing import Any

from clickhouse.client import Client
from clickhouse.reports.risk import Latest
from clickhouse.reports.source import TABLE
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms

HOUR_MS = 3_600_000
WINDOWS = {"1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS}


@dataclass(frozen=True)
class Window:
    """What was received within a time: how many different ones of each; `sessions_begun` are those whose first event of the week it holds."""

    events: int
    visitors: int
    devices: int
    sessions: int
    sessions_begun: int
    ips: int
    asns: int
    countries: int


@dataclass(frozen=True)
class Place:
    """One network from which, or one device of which, something came; times in ms since the epoch."""

    fingerprint_id: str
    ip: str
    asn: int
    as_org: str
    network: str
    country: str
    events: int
    risk: int
    first_seen: int
    last_seen: int


@dataclass(frozen=True)
class Recent:
    """What was received within the week: in each window, and the places of which the most came."""

    windows: dict[str, Window]
    places: tuple[Place, ...]
    rows_read: int
    ms: float
    source: str = TABLE


@dataclass(frozen=True)
class Device:
    """What is known of a device in all its time; times in ms since the epoch."""

    first_seen: int
    last_seen: int
    events: int
    visitors: int
    sessions: int
    ips: int
    asns: int
    countries: int
    risk: int
    vpn: int
    latest: Latest


def device(client: Client, site: str, fingerprint_id: str) -> Device | None:
    """What is known of a device; None where there is none of this fingerprint."""
    rows = client.ask(text_of("device"), {"site": site, "fingerprint": fingerprint_id}).rows
    if not rows:
        return None
    first, last, *counts, latest = rows[0]
    at, risk, confidence, reasons, rules, days = latest
    said = Latest(to_ms(at), risk, confidence, tuple(filter(None, reasons.split(","))), rules, days)
    values: tuple[Any, ...] = (to_ms(first), to_ms(last), *counts, said)
    return Device(*values)


def of_device(client: Client, site: str, fingerprint_id: str, now: int, limit: int) -> Recent:
    """Where a device was seen of late, by what was received until `now`, in ms since the epoch."""
    return _recent(client, site, "fingerprint_id = {what:String}", fingerprint_id, now, limit)


def of_network(client: Client, site: str, network: str, now: int, limit: int) -> Recent:
    """Which devices were seen of late at addresses of a network, as it is stored."""
    return _recent(client, site, "ip = {what:String}", network, now, limit)


def of_system(client: Client, site: str, asn: int, now: int, limit: int) -> Recent:
    """Which devices were seen of late in an autonomous system."""
    return _recent(client, site, "asn = {what:UInt32}", asn, now, limit)


def _recent(client: Client, site: str, condition: str, what: str | int, now: int, limit: int) -> Recent:
    """Of the events that meet a condition, which is one of those above."""
    bound: dict[str, object] = {"site": site, "what": what, "now": now, "limit": limit}
    bound |= {"hour": now - WINDOWS["1h"], "day": now - WINDOWS["24h"], "week": now - WINDOWS["7d"]}
    counted = client.ask(text_of("devices_windows", condition=condition), bound)
    listed = client.ask(text_of("devices_places", condition=condition), bound)
    windows = {name: Window(*row) for name, row in zip(WINDOWS, counted.rows[0], strict=True)}
    return Recent(
        windows,
        tuple(_place(*row) for row in listed.rows),
        counted.rows_read + listed.rows_read,
        counted.ms + listed.ms,
    )


def _place(*row: Any) -> Place:
    return Place(*row[:8], *map(to_ms, row[8:]))
