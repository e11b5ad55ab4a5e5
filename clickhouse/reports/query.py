"""The one planner of counts: metrics over time and by dimensions, now and in an earlier period, from the least table that tells them.

One statement for each question: it has the whole, each bucket of time, each group, and each bucket of each group, so that
what is distinct is counted anew for each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.daybits import DAY_MS
from clickhouse.reports.field import Field
from clickhouse.reports.filter import Parameters, conditions, names_cohort
from clickhouse.reports.formula import Formula, Value
from clickhouse.reports.metric import Metric, Source
from clickhouse.reports.query_statement import Granularity, Order, Wanted, statement
from clickhouse.reports.query_told import Told, told
from clickhouse.reports.scope import Scope
from pulse.minute import MINUTE_MS

IN_MINUTES = frozenset({"event", "country", "device_type"})
"""The fields by which the minute aggregates are kept apart."""
OF_PAGES = frozenset({"event", "path"})
"""Those by which events are counted by days."""
BY_DAYS = frozenset({"day", "week", "month"})
LONG_MS = 4 * DAY_MS
"""From so long a range on it has more days in whole than such that are not, of which the events are read all the same."""


@dataclass(frozen=True)
class Compared:
    """An earlier period to compare with: its range, and the beginnings of its buckets in ms."""

    start_ms: int
    end_ms: int
    times: tuple[int, ...] = ()


@dataclass(frozen=True)
class Question:
    """Metrics of a scope; `times` are the beginnings of its buckets in ms, contiguous, where there is a granularity."""

    scope: Scope
    metrics: tuple[Metric, ...]
    breakdown: tuple[Field, ...] = ()
    granularity: Granularity = "none"
    times: tuple[int, ...] = ()
    formulas: tuple[Formula, ...] = ()
    order: Order | None = None
    limit: int = 100
    target_event: str = ""
    compared: Compared | None = None


@dataclass(frozen=True)
class Answer:
    """What was found now and, where compared, before; `source` is the table that was read."""

    now: Told
    before: Told | None
    source: Source
    rows_read: int
    ms: float


def answer(client: Client, question: Question) -> Answer:
    """Answer a question.

    Raises QueryError for revenue in several currencies that are not told apart and for properties that are no numbers,
    and as the client does.
    """
    source = source_of(question)
    bound = Parameters(_parameters(question))
    text = statement(_wanted(question, source), bound)
    found = client.ask(text, bound)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    now = told(rows, 0, question.metrics, question.breakdown, question.formulas, question.times)
    before = None
    if question.compared is not None:
        before = told(rows, 1, question.metrics, question.breakdown, question.formulas, question.compared.times, now)
    return Answer(now, before, source, found.rows_read, found.ms)


def change(now: Mapping[str, Value], before: Mapping[str, Value]) -> dict[str, float | None]:
    """By what share each value has changed since before; None where there was nothing."""
    return {name: _change(value, before[name]) for name, value in now.items()}


def source_of(question: Question) -> Source:
    """The table that answers exactly at the least cost."""
    filter_ = question.scope.filter
    fields = {each.field for each in conditions(filter_)} | {each.name for each in question.breakdown}
    if not all(each.is_in_minutes for each in question.metrics) or names_cohort(filter_):
        return "events"
    of_minutes = fields <= IN_MINUTES and _is_of_minutes(question)
    of_days = fields <= OF_PAGES and _is_of_days(question)
    is_long = question.scope.end_ms - question.scope.start_ms >= LONG_MS
    if of_days and (is_long or not of_minutes):
        return "pages"
    return "metrics_minute" if of_minutes else "events"


def _is_of_minutes(question: Question) -> bool:
    """Whether it is of whole minutes, and not of money without bots, which is summed up with them alone."""
    ranges: list[Scope | Compared] = [question.scope]
    if question.compared:
        ranges.append(question.compared)
    are_whole = all(each.start_ms % MINUTE_MS == 0 and each.end_ms % MINUTE_MS == 0 for each in ranges)
    return are_whole and (question.scope.bots == "include" or not any(each.is_money for each in question.metrics))


def _is_of_days(question: Question) -> bool:
    """Whether it is of events alone, counted by buckets that are whole days of UTC, if by any."""
    is_utc = question.granularity in BY_DAYS and question.scope.timezone == "UTC"
    return (is_utc or question.granularity == "none") and not any(each.is_money for each in question.metrics)


def _parameters(question: Question) -> dict[str, object]:
    asked = question.scope.parameters() | {"limit": question.limit, "target": question.target_event}
    if question.compared is not None:
        asked |= {"before_start": question.compared.start_ms, "before_end": question.compared.end_ms}
    return asked


def _wanted(question: Question, source: Source) -> Wanted:
    return Wanted(
        scope=question.scope,
        source=source,
        metrics=question.metrics,
        breakdown=question.breakdown,
        granularity=question.granularity,
        formulas=question.formulas,
        order=question.order or Order(question.metrics[0].name),
        is_compared=question.compared is not None,
    )


def _change(now: Value, before: Value) -> float | None:
    if now is None or before is None or not float(before):
        return None
    return (float(now) - float(before)) / abs(float(before))
