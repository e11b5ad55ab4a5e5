"""Risk: how much speaks against those whose events these are, what it is, and where they came from."""

from dataclasses import dataclass
from typing import Any

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE, rows_of
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms

SCORES = ("risk", "vpn", "proxy", "tor", "relay", "bot", "tamper")
BANDS = ("low", "elevated", "high", "critical")
EDGES = {"elevated": 25, "high": 60, "critical": 85}
"""From which risk on a band begins; `low` has no such."""


@dataclass(frozen=True)
class Latest:
    """The verdict on the latest event; `rules` is the rule set with its version, `data_age_days` that of what tells networks."""

    at: int
    risk: int
    confidence: str
    reasons: tuple[str, ...]
    rules: str
    data_age_days: int


@dataclass(frozen=True)
class Reason:
    """A reason code, and how many events and visitors it speaks against."""

    code: str
    events: int
    visitors: int


@dataclass(frozen=True)
class Network:
    """A network they came from, with the highest risk there; times in ms since the epoch."""

    network: str
    asn: int
    as_org: str
    country: str
    events: int
    visitors: int
    risk: int
    first_seen: int
    last_seen: int


@dataclass(frozen=True)
class Bot:
    """A bot among them."""

    name: str
    kind: str
    claim: str
    events: int
    visitors: int
    last_seen: int


@dataclass(frozen=True)
class Risk:
    """The whole: the highest of each score, how many events there are in each band, and the parts with the most events."""

    events: int
    visitors: int
    bots: int
    first_seen: int | None
    last_seen: int | None
    mean: float | None
    most: dict[str, int]
    bands: dict[str, int]
    latest: Latest | None
    reasons: tuple[Reason, ...]
    networks: tuple[Network, ...]
    named: tuple[Bot, ...]
    rows_read: int
    ms: float
    source: str = TABLE


def risk(client: Client, scope: Scope, limit: int) -> Risk:
    """Answer for the events of a scope. Raises QueryError for a filter that cannot be, and as the client does."""
    parts = [_asked(client, scope, part, limit) for part in ("all", "reasons", "networks", "bots")]
    whole, reasons, networks, bots = (part.rows for part in parts)
    events, visitors, machines, first, last, mean, most, bands, latest = whole[0]
    return Risk(
        events=events,
        visitors=visitors,
        bots=machines,
        first_seen=to_ms(first) if events else None,
        last_seen=to_ms(last) if events else None,
        mean=mean if events else None,
        most=dict(zip(SCORES, most, strict=True)),
        bands=dict(zip(BANDS, bands, strict=True)),
        latest=_latest(*latest) if events else None,
        reasons=tuple(Reason(*row) for row in reasons),
        networks=tuple(Network(*row[:7], *map(to_ms, row[7:])) for row in networks),
        named=tuple(Bot(*row[:5], *map(to_ms, row[5:])) for row in bots),
        rows_read=sum(part.rows_read for part in parts),
        ms=sum(part.ms for part in parts),
    )


def _asked(client: Client, scope: Scope, part: str, limit: int) -> Any:
    bound = Parameters(scope.parameters() | (EDGES if part == "all" else {"limit": limit}))
    rows = rows_of(scope, "visitors")
    text = text_of(f"risk_{part}", visitor=scope.who("visitors"), rows=rows, filtered=scope.filtered(bound))
    return client.ask(text, bound)


def _latest(at: Any, risk: int, confidence: str, reasons: str, rules: str, days: int) -> Latest:
    return Latest(to_ms(at), risk, confidence, tuple(filter(None, reasons.split(","))), rules, days)
