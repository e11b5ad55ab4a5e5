"""The metrics that a question may ask for: what each counts, and what it is in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clickhouse.reports.field import Field, field_of
from clickhouse.reports.filter import Parameters, kind, numeric
from clickhouse.reports.scope import Bots, Scope
from pulse.errors import QueryError

Source = Literal["events", "metrics_minute", "pages"]
"""What is read: the events; their sums by minute; or, by days in whole, how often each happened on each page."""

PAGE_VIEW = "page_view"
OF_EVENTS = ("events", "users", "visitors", "revenue", "pageviews")
OF_SESSIONS: Mapping[str, str] = {
    "sessions": "count()",
    "bounce_rate": "countIf(views = 1) / nullIf(countIf(views > 0), 0)",
    "session_duration": "sum(lasted_ms) / 1000 / nullIf(count(), 0)",
    "views_per_session": "sum(views) / nullIf(count(), 0)",
    "conversion_rate": "countIf(converted) / nullIf(count(), 0)",
}
"""Over one row for each session: `views`, `lasted_ms`, `converted` are of the whole session."""
OF_VALUES: Mapping[str, str] = {
    "sum": "ifNull(sum({}), 0)",
    "avg": "avg({})",
    "min": "min({})",
    "max": "max({})",
    "median": "quantileExactInclusive(0.5)({})",
    "p90": "quantileExactInclusive(0.9)({})",
    "p95": "quantileExactInclusive(0.95)({})",
    "p99": "quantileExactInclusive(0.99)({})",
}
SUMMED = ("events", "pageviews", "revenue", "sum")
COUNTS = (*SUMMED, "users", "visitors", "sessions")
IN_MINUTES = ("events", "pageviews", "revenue")
_COUNTED: Mapping[Bots, str] = {"include": "events", "exclude": "events - bots", "only": "bots"}


@dataclass(frozen=True)
class Metric:
    """A metric: its name as it is asked for, what is computed, and of which values where it takes some."""

    name: str
    kind: str
    field: Field | None = None

    @property
    def is_of_sessions(self) -> bool:
        """Whether it looks at sessions as a whole."""
        return self.kind in OF_SESSIONS

    @property
    def is_summed(self) -> bool:
        """Whether the whole is the sum of its parts."""
        return self.kind in SUMMED

    @property
    def is_money(self) -> bool:
        """Whether it is an amount in a currency."""
        return self.kind == "revenue" or (self.field is not None and self.field.name == "revenue")

    @property
    def is_in_minutes(self) -> bool:
        """Whether the minute aggregates tell it exactly."""
        return self.kind in IN_MINUTES or (self.kind == "sum" and self.is_money)

    @property
    def of_nothing(self) -> int | None:
        """Its value where there are no events: counts are 0, means are none."""
        return 0 if self.kind in COUNTS else None


def metric_of(name: str, where: str) -> Metric:
    """The metric of a name; raises QueryError, which says `where` it was named, if there is none."""
    if name in OF_EVENTS or name in OF_SESSIONS:
        return Metric(name, name)
    kind, colon, of = name.partition(":")
    if not colon or kind not in OF_VALUES:
        raise QueryError(
            f"{where}: there is no metric {name!r}; metrics are {', '.join((*OF_EVENTS, *OF_SESSIONS))}, and"
            f" {', '.join(OF_VALUES)} of a number, such as sum:properties.price or median:revenue"
        )
    field = field_of(of, where)
    if field.name != "revenue" and field.type != "any":
        raise QueryError(f"{where}: {kind} takes numbers: revenue or properties.NAME, not {of}")
    return Metric(name, kind, field)


def sql_of(metric: Metric, source: Source, scope: Scope, bound: Parameters) -> str:
    """A metric as an aggregate over rows of a source; of sessions, over one row for each."""
    if metric.is_of_sessions:
        return OF_SESSIONS[metric.kind]
    if source != "events":
        return _of_sums(metric, scope.bots)
    if metric.field is None:
        return _of_events(metric, scope)
    return OF_VALUES[metric.kind].format(_values(metric.field, metric.kind, bound))


def counted(bots: Bots) -> str:
    """How many events a row of sums stands for."""
    return _COUNTED[bots]


def not_numbers(field: Field, bound: Parameters) -> str:
    """How many events have the property, but not as a number."""
    return f"countIf({kind(field, bound)} NOT IN ('Int64', 'UInt64', 'Double', 'Null'))"


def _of_events(metric: Metric, scope: Scope) -> str:
    return {
        "events": "count()",
        "pageviews": f"countIf(event = '{PAGE_VIEW}')",
        "revenue": "sum(revenue)",
        "users": f"uniqExact({scope.who('users')})",
        "visitors": f"uniqExact({scope.who('visitors')})",
    }[metric.kind]


def _of_sums(metric: Metric, bots: Bots) -> str:
    if metric.is_money:
        return "sum(revenue)"
    return f"sumIf({_COUNTED[bots]}, event = '{PAGE_VIEW}')" if metric.kind == "pageviews" else f"sum({_COUNTED[bots]})"


def _values(field: Field, kind: str, bound: Parameters) -> str:
    """The numbers of a field; revenue is that of the events that have some, exact where it is added up."""
    if field.name != "revenue":
        return numeric(field, bound)
    return "revenue" if kind == "sum" else "toFloat64(nullIf(revenue, 0))"
