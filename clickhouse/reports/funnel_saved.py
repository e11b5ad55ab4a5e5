"""Which funnels can be answered from the rows of a saved one, and whether there is one whose rows can be trusted."""

from dataclasses import replace

from clickhouse.client import Answer, Client
from clickhouse.client import text_of as queried
from clickhouse.funnels.build import print_of
from clickhouse.reports.filter import Filter, Parameters, conditions, names_cohort
from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.funnel_attempts import fits
from clickhouse.reports.lately import Lately
from clickhouse.reports.statement import text_of

TABLE = "funnel_steps"
TEXTS = ("event", "visitor_id", "user_id", "channel", "referrer_host", "utm_source", "utm_medium", "utm_campaign")
COLUMNS = frozenset((*TEXTS, "language", "country", "device_type", "browser", "os", "bot"))
"""The fields that those rows have."""


def chosen(client: Client, asked: FunnelQuery) -> FunnelQuery:
    """The question, of the rows of a saved funnel with the same steps where there is one and they can tell. Raises as Client.query."""
    name = _print(asked)
    if not name:
        return asked
    found = client.query("funnels/usable", {"site": asked.scope.site_id, "print": name}).rows
    build = int(found[0][0]) if found else None
    _builds.note((client.database, name), build)
    return replace(asked, build=build)


def likely(client: Client, asked: FunnelQuery) -> FunnelQuery | None:
    """The question of the rows that answered the last time; None where none did. Whether they still do, `confirmed` tells."""
    name = _print(asked)
    build = _builds.of((client.database, name)) if name else None
    return None if build is None else replace(asked, build=build)


def confirmed(
    client: Client, asked: FunnelQuery, statement: str, bound: Parameters, **settings: object
) -> Answer | None:
    """What a statement finds of a saved funnel's rows; None where these answer no more, or nothing is found that could say so."""
    text = text_of("funnel_usable", usable=queried("funnels/usable"), asked=statement)
    found = client.ask(text, bound | {"print": _print(asked), "build": asked.build}, **settings)
    if not found.rows or not all(row[-1] for row in found.rows):
        return None
    return found._replace(columns=found.columns[:-1], rows=[row[:-1] for row in found.rows])


def _print(asked: FunnelQuery) -> str:
    """What tells its steps from others; empty where no rows of a saved funnel can answer."""
    if not can_be_kept(asked) or not _can_tell(asked):
        return ""
    bound = Parameters()
    return print_of(asked.scope.site_id, fits(asked, bound), bound)


def can_be_kept(asked: FunnelQuery) -> bool:
    """Whether rows of its steps can be kept, and tell it: not where all events matter, or who is in a cohort at the moment."""
    filters = [*(step.filter for step in asked.steps), *(each.filter for each in asked.exclusions)]
    is_within_sessions = asked.window_ms is None or asked.count == "sessions"
    return asked.order != "strict" and not is_within_sessions and not any(map(names_cohort, filters))


def _can_tell(asked: FunnelQuery) -> bool:
    """Whether its filter, breakdown and what is held constant are among the columns."""
    others = [each for each in (asked.hold, asked.breakdown) if each is not None]
    return not names_cohort(asked.scope.filter) and COLUMNS.issuperset([*_fields(asked.scope.filter), *others])


def _fields(some: Filter) -> list[str]:
    return [each.field for each in conditions(some)]


_builds: Lately[tuple[str, str], int] = Lately(60.0)
"""Which saved funnels answered lately, by database and steps."""
