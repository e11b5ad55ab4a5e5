"""Sessions of a site that turned out to be of a high risk, since a moment."""

from typing import NamedTuple

from clickhouse.client import Client
from clickhouse.reports.digest import LIMITS
from clickhouse.reports.risk import EDGES
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms
from pulse.risk.notice import Suspect

DAY_MS = 86_400_000
"""So far back it is looked whether a session was of a high risk before; who is late by more is not told of."""


class Suspects(NamedTuple):
    """Sessions, how many there are besides, and up to which moment of receipt events are stored."""

    found: list[Suspect]
    left_out: int
    reached: int


def suspects(client: Client, site_id: str, since: int, limit: int) -> Suspects:
    """Sessions whose first event of a high risk was received after a moment. Raises Unavailable, QueryError."""
    bound = {"site": site_id, "since": since, "begin": since - DAY_MS}
    ((events, latest),) = client.ask(text_of("risk_reached"), bound, **LIMITS).rows
    if not events:
        return Suspects([], 0, since)
    more = {"high": EDGES["high"], "limit": limit}
    rows = client.ask(text_of("risk_high"), bound | more, **LIMITS).rows
    number = rows[0][3] if rows else 0
    found = [_suspect(who, to_ms(received), *first) for who, received, first, _ in rows]
    return Suspects(found, number - len(found), to_ms(latest))


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
