"""Who is there now: the visitors of the last minutes, and what they do."""

from collections.abc import Mapping
from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope
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
    statement = text_of("realtime", rows=rows_of(scope, "visitors"), filtered=scope.filtered(bound))
    found = client.ask(statement, bound)
    levels: dict[str, list[Active]] = {}
    minutes: dict[int, Active] = {}
    for level, time, key, visitors, events in found.rows:
        levels.setdefault(level, []).append(Active(key, visitors, events))
        if level == "minute":
            minutes[time * 1000] = levels[level][-1]
    now = levels.get("all", [Active("", 0, 0)])[0]
    levels["page"] = [each for each in levels.get("page", []) if each.key]
    pages, events_, countries = (tuple(levels.get(level, [])[:MOST]) for level in ("page", "event", "country"))
    return Realtime(now, minutes, pages, events_, countries, found.rows_read, found.ms)
