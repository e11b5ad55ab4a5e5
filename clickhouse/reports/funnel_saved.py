"""Which funnels can be answered from the rows of a saved one, and whether there is one whose rows can be trusted."""

from dataclasses import replace

from clickhouse.client import Client
from clickhouse.funnels.build import print_of
from clickhouse.reports.filter import Filter, Parameters, conditions, names_cohort
from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.funnel_attempts import fits

TABLE = "funnel_steps"
TEXTS = ("event", "visitor_id", "user_id", "channel", "referrer_host", "utm_source", "utm_medium", "utm_campaign")
COLUMNS = frozenset((*TEXTS, "language", "country", "device_type", "browser", "os", "bot"))
"""The fields that those rows have."""


def chosen(client: Client, asked: FunnelQuery) -> FunnelQuery:
    """The question, of the rows of a saved funnel with the same steps where there is one and they can tell. Raises as Client.query."""
    if not can_be_kept(asked) or not _can_tell(asked):
        return asked
    bound = Parameters()
    given = {"site": asked.scope.site_id, "print": print_of(asked.scope.site_id, fits(asked, bound), bound)}
    found = client.query("funnels/usable", given).rows
    return replace(asked, build=int(found[0][0])) if found else asked


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
