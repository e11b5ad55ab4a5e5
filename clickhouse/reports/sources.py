"""Sources: where sessions came from, by what their first event says."""

from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Parameters, text
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import sessions_of
from clickhouse.reports.statement import text_of


@dataclass(frozen=True)
class Source:
    """A source, or all of them; whole sessions are looked at. The visitor is that of the session's first event."""

    name: str
    sessions: int
    visitors: int
    pageviews: int
    bounce_rate: float | None
    session_duration: float | None


@dataclass(frozen=True)
class Sources:
    """The sources with the most sessions, the whole, and how many sources there are."""

    sources: tuple[Source, ...]
    total: Source
    count: int
    rows_read: int
    ms: float


NONE = Source("", 0, 0, 0, None, None)


def sources(client: Client, scope: Scope, field: str, limit: int) -> Sources:
    """Answer by a field, for the sessions of which an event is in the scope. Raises QueryError, and as the client does."""
    bound = Parameters(scope.parameters() | {"limit": limit})
    told = text_of(
        "sources_told",
        field=text(field_of(field, "by"), bound),
        visitor=scope.who("visitors"),
        filtered=scope.filtered(bound),
    )
    found = client.ask(text_of("sources", sessions=sessions_of(told)), bound)
    whole = next((Source(*row[1:7]) for row in found.rows if row[0]), NONE)
    own = [row for row in found.rows if not row[0]]
    return Sources(tuple(Source(*row[1:7]) for row in own), whole, own[0][7] if own else 0, found.rows_read, found.ms)
