"""Risk in detail: the sessions of which most speaks against, and how that went over time."""

from dataclasses import dataclass
from typing import Any, Literal

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.query_statement import TIMES
from clickhouse.reports.risk import BANDS, EDGES, SCORES
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE, rows_of
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms

Interval = Literal["hour", "day", "week"]
EVIDENCE = (
    *("at", "event_id", "event", "path", "risk", "band", "confidence", "reasons", "rules", "data_age_days"),
    *("network", "asn", "as_org", "country", "fingerprint_id", "browser", "os", "bot", "bot_name"),
)
"""What is told of the event that shows it most."""


@dataclass(frozen=True)
class RiskySession:
    """A session; times in ms since the epoch. `evidence` is its event of the highest risk, by the names of `EVIDENCE`."""

    session_id: str
    visitor_id: str
    user_id: str
    began: int
    ended: int
    events: int
    risky_events: int
    most: dict[str, int]
    reasons: tuple[str, ...]
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Stretch:
    """An hour, day or week in which there was something of them."""

    at: int
    events: int
    visitors: int
    bots: int
    mean: float
    most: dict[str, int]
    bands: dict[str, int]
    latest: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Sessions:
    """Those of which most speaks against first."""

    sessions: tuple[RiskySession, ...]
    rows_read: int
    ms: float
    source: str = TABLE


@dataclass(frozen=True)
class Course:
    """Stretches in their order, the newest so many of them; those with nothing in them are left out."""

    scores: tuple[Stretch, ...]
    truncated: bool
    rows_read: int
    ms: float
    source: str = TABLE


def risky_sessions(client: Client, scope: Scope, least: int, limit: int) -> Sessions:
    """Sessions with an event of a least risk. Raises QueryError for a filter that cannot be, and as the client does."""
    bound = Parameters(scope.parameters() | {"least": least, "limit": limit, "high": EDGES["high"]})
    rows = text_of("risk_threads", ranged=rows_of(scope, "visitors"))
    text = text_of("risk_sessions", rows=rows, filtered=scope.filtered(bound))
    found = client.ask(text, bound)
    return Sessions(tuple(_session(*row) for row in found.rows), found.rows_read, found.ms)


def course(client: Client, scope: Scope, interval: Interval, limit: int) -> Course:
    """How much spoke against those of a scope, by local time. Raises likewise."""
    bound = Parameters(scope.parameters() | EDGES | {"limit": limit + 1})
    expressions = {"begin": TIMES[interval], "visitor": scope.who("visitors"), "rows": rows_of(scope, "visitors")}
    found = client.ask(text_of("risk_scores", **expressions, filtered=scope.filtered(bound)), bound)
    stretches = tuple(_stretch(*row) for row in reversed(found.rows[:limit]))
    return Course(stretches, len(found.rows) > limit, found.rows_read, found.ms)


def _session(
    session: str,
    visitor: str,
    person: str,
    began: Any,
    ended: Any,
    events: int,
    risky: int,
    most: Any,
    codes: Any,
    shown: Any,
) -> RiskySession:
    evidence = dict(zip(EVIDENCE, shown, strict=True))
    evidence |= {"at": to_ms(evidence["at"]), "reasons": [each for each in evidence["reasons"].split(",") if each]}
    scores = dict(zip(SCORES, most, strict=True))
    times = to_ms(began), to_ms(ended)
    return RiskySession(session, visitor, person, *times, events, risky, scores, tuple(codes), evidence)


def _stretch(
    at: int, events: int, visitors: int, bots: int, mean: float, most: Any, bands: Any, latest: int, codes: Any
) -> Stretch:
    scores, counts = dict(zip(SCORES, most, strict=True)), dict(zip(BANDS, bands, strict=True))
    return Stretch(at, events, visitors, bots, mean, scores, counts, latest, tuple(codes))
