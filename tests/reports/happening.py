"""Whether an event counts, by hand."""

from clickhouse.reports.scope import Scope
from tests.reports.events import Event
from tests.reports.filtering import passes


def counts(event: Event, scope: Scope) -> bool:
    """Whether it passes the filter and is, or is not, of a bot as is asked for."""
    return passes(event, scope.filter) and (scope.bots == "include" or event.bot == (scope.bots == "only"))
