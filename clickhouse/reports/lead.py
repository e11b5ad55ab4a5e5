"""Of leads: what speaks for or against whoever sent one, and what they did on the site. Times are ms since the epoch."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from clickhouse.client import Client
from clickhouse.reports.statement import text_of

DAY_MS = 86_400_000
AFTER_MS = 60_000
"""An event may be stored with a time that much later than its lead's."""
LIMITS: dict[str, object] = {"max_execution_time": 5, "timeout_overflow_mode": "throw", "max_memory_usage": 500_000_000}
"""What one question of those asked for each lead may take of the store: seconds and bytes."""


class Whose(NamedTuple):
    """A session of a site around the moment of a lead; or a visitor, where the session is empty."""

    site: str
    received: int
    session: str
    visitor: str

    @property
    def bound(self) -> dict[str, object]:
        """The same as a question's parameters: from a day before to a day after."""
        whose = {"site": self.site, "session": self.session, "visitor": self.visitor}
        return {**whose, "from": self.received - DAY_MS, "to": self.received + DAY_MS}


@dataclass(frozen=True)
class Evidence:
    """What is stored of whoever sent a lead; `vpn` is 0 to 100, `clicks` a number."""

    vpn: int
    events: int
    seconds: int
    scrolled: float
    clicks: int
    returns: int


class Activity(NamedTuple):
    """What a session, or a visitor within a day, did."""

    events: int
    began: int
    ended: int
    pages: int
    entry: str
    exit: str
    channel: str
    referrer: str
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    bot: bool
    risk: int
    vpn: int
    reasons: str


class Step(NamedTuple):
    """One event of it."""

    event: str
    event_id: UUID
    at: int
    session: str
    path: str
    title: str
    risk: int
    band: str
    vpn: int


def evidence(client: Client, site: str, lead_id: str, received: int, session: str) -> Evidence | None:
    """What is stored of whoever sent a lead, None until its own event is. Raises Unavailable, QueryError, TooCostly."""
    own = {"site": site, "id": lead_id, "near": received - AFTER_MS, "to": received + AFTER_MS}
    of_event = client.ask(text_of("lead_event"), own, **LIMITS).rows
    if not of_event:
        return None
    who, vpn = of_event[0]
    bound = {"site": site, "who": who, "session": session, "from": received - DAY_MS, "to": own["to"]}
    return Evidence(vpn, *client.ask(text_of("lead_evidence"), bound, **LIMITS).rows[0])


def activity(client: Client, whose: Whose) -> Activity | None:
    """What they did, None if nothing is stored. Raises Unavailable, QueryError."""
    found = Activity(*client.ask(text_of("lead_activity"), whose.bound).rows[0])
    return found if found.events else None


def steps(client: Client, whose: Whose, event: str, after: tuple[int, UUID], limit: int) -> list[Step]:
    """Their events, of one name where one is given, after a moment and id. Raises Unavailable, QueryError."""
    at, last = after
    bound: dict[str, Any] = {**whose.bound, "event": event, "after": at, "id": str(last), "limit": limit}
    return [Step(*row) for row in client.ask(text_of("lead_events"), bound).rows]
