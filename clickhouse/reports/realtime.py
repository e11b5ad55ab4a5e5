"""Who is there now: the visitors of the last minutes, and what they do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope, hashed_of
from clickhouse.reports.source import rows_of
from clickhouse.reports.statement import text_of

MOST = 10


@dataclass(frozen=True)
class Active:
    """Visitors and events of a minute, page, event or country."""

    key: str
    visitors: int
    events: int


@dataclass(frozen=True)
class Realtime:
    """Visitors active now; each minute of the range by its beginning in ms; and the most frequent pages, events and countries of now."""

    now: Active
    minutes: Mapping[int, Active]
    pages: tuple[Active, ...]
    events: tuple[Active, ...]
    countries: tuple[Active, ...]
    rows_read: int
    ms: float


def realtime(client: Client, scope: Scope, active_ms: int) -> Realtime:
    """Answer for a scope of up to 40 minutes; whoever has an event since `active_ms` is active. Raises as the client does."""
    bound = Parameters(scope.parameters() | {"active": active_ms})
    statement = text_of(
        "realtime",
        visitor=hashed_of("visitors", scope.people),
        rows=rows_of(scope, "visitors"),
        filtered=scope.filtered(bound),
    )
    found = client.ask(statement, bound)
    minutes = {row[1] * 1000: Active("", *row[3:]) for row in found.rows if row[0] == "minute"}
    now = next((Active("", *row[3:]) for row in found.rows if row[0] == "all"), Active("", 0, 0))
    pages, events, countries = (_most(found.rows, level) for level in ("page", "event", "country"))
    return Realtime(now, minutes, pages, events, countries, found.rows_read, found.ms)


def _most(rows: Sequence[Sequence[Any]], level: str) -> tuple[Active, ...]:
    """The most frequent of a level; events without a page have none."""
    own = [Active(*row[2:]) for row in rows if row[0] == level]
    return tuple(each for each in own if each.key or level != "page")[:MOST]
