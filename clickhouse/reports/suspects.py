"""Sessions of a site that turned out to be of a high risk, since a moment."""

from typing import Any, NamedTuple

from clickhouse.client import Client
from clickhouse.reports.digest import LIMITS
from clickhouse.reports.risk import EDGES
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms
from pulse.risk.notice import Suspect

DAY_MS = 86_400_000
"""So far back it is looked whether a session was of a high risk before; who is late by more is not told of."""
QUARTER_MS = 900_000
"""Of each quarter of an hour so many sessions are told, the earliest."""
OVERLAP_MS = 6 * 3_600_000
"""Events are not stored in the order in which they were received: those of whoever floods, or that wait in a collector's spool, come
hours later. So far back it is looked again."""
STEP_MS = 6 * 3_600_000
"""So far it is gone at once where much was not looked at."""
WHO = "if(session_id != '', concat('s', session_id, '\\0', visitor_id), concat('v', visitor_id, '\\0', toString(toDate(ts))))"
"""A session is the client's own, of a visitor; where it names none, it is what a visitor does on a day."""


class Found(NamedTuple):
    """A session that is among the first of its quarter of an hour, its place there, and how many there are; times in ms since the epoch."""

    suspect: Suspect
    quarter: int
    place: int
    sessions: int


class Suspects(NamedTuple):
    """Sessions, and up to which moment of receipt all that is stored was looked at."""

    found: list[Found]
    reached: int


def suspects(client: Client, site_id: str, mark: int, now: int, limit: int) -> Suspects:
    """Sessions whose first event of a high risk was received since hours before a mark, so many of each quarter of an hour.

    Raises Unavailable, QueryError.
    """
    since = _quarter(mark - OVERLAP_MS)
    bound = {"site": site_id, "mark": mark, "since": since, "begin": since - DAY_MS, "high": EDGES["high"]}
    ((new, following, latest, risky),) = client.ask(text_of("risk_reached"), bound, **LIMITS).rows
    ahead = _quarter(max(to_ms(following), mark) + STEP_MS) if new else now + 1
    until = min(ahead, now + 1)
    reached = min(until - 1, to_ms(latest)) if new else mark
    if not risky:
        return Suspects([], reached)
    text = text_of("risk_high", who=WHO, risky=text_of("risk_risky", who=WHO))
    rows = client.ask(text, bound | {"until": until, "limit": limit}, **LIMITS).rows
    return Suspects([_found(*row) for row in rows], reached)


def _quarter(moment: int) -> int:
    return moment - moment % QUARTER_MS


def _found(who: str, received: object, first: Any, quarter: int, place: int, sessions: int) -> Found:
    return Found(_suspect(who, to_ms(received), *first), quarter, place, sessions)  # type: ignore[arg-type]


def _suspect(
    who: str,
    received: int,
    at: object,
    session: str,
    visitor: str,
    event: str,
    path: str,
    country: str,
    network: str,
    asn: int,
    risk: int,
    band: str,
    confidence: str,
    reasons: str,
    rules: str,
) -> Suspect:
    codes = tuple(filter(None, reasons.split(",")))
    moment = to_ms(at)  # type: ignore[arg-type]
    return Suspect(
        who,
        received,
        moment,
        session,
        visitor,
        event,
        path,
        country,
        network,
        asn,
        risk,
        band,
        confidence,
        codes,
        rules,
    )
