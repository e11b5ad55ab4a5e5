"""Which rows a report reads: events in a range, each with its session where that is asked for."""

from clickhouse.reports.scope import Scope, Unit
from clickhouse.reports.statement import text_of

TABLE = "events"


def rows_of(scope: Scope, unit: Unit) -> str:
    """What stands behind FROM: the site's events of the range, with a column `session` where sessions are counted.

    Sessions are told from all events of the range, whichever of them pass the filter.
    """
    return text_of("sessioned") if unit == "sessions" else text_of("ranged")


def sessions_of(told: str) -> str:
    """What stands behind FROM for one row for each session: its `parts` in order, each with what is `told` of some of its events.

    `told` is a tuple of aggregates over columns of `events` and `moment`, by which events are in order.
    """
    return text_of("sessions", told=told)
