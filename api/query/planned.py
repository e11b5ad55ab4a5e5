"""The metrics of GET /api/v1/stats that the planner of counts answers: those of whole sessions, and any of a cohort's members."""

from clickhouse.reports.field import field_of
from clickhouse.reports.filter import AllOf, Condition, Filter, InCohort
from clickhouse.reports.formula import Value
from clickhouse.reports.metric import metric_of
from clickhouse.reports.query import Answer, Question
from clickhouse.reports.scope import Scope
from clickhouse.stats import LONGEST, TIMES, StatsAnswer, StatsQuery

OF_SESSIONS = {
    "avg_session_duration": "session_duration",
    "bounce_rate": "bounce_rate",
    "conversion_rate": "conversion_rate",
}
COUNTED = {"event_count": "events", "unique_users": "users", "unique_sessions": "sessions", "revenue": "revenue"}
IN_PERCENT = ("bounce_rate", "conversion_rate")


def filter_of(query: StatsQuery, cohort: str) -> Filter:
    """What the parameters of a question let pass."""
    wanted = {"event": query.events, "country": query.countries, "device_type": query.device_types}
    conditions = [Condition(name, "eq", values) for name, values in wanted.items() if values]
    if query.currency:
        conditions.append(Condition("currency", "eq", (query.currency,)))
    return AllOf((*conditions, *([InCohort(cohort)] if cohort else [])))


def question_of(query: StatsQuery, metric: str, scope: Scope, times: list[int], target: str) -> Question:
    """The same question as the planner takes it."""
    group = query.group_by
    return Question(
        scope=scope,
        metrics=(metric_of({**OF_SESSIONS, **COUNTED}[metric], "metric"),),
        breakdown=() if group is None or group in TIMES else (field_of(group, "group_by"),),
        granularity=group if group in TIMES else "none",  # type: ignore[arg-type]
        times=tuple(times),
        limit=LONGEST,
        target_event=target,
    )


def told(question: Question, found: Answer, metric: str) -> StatsAnswer:
    """What the planner found, as the route tells it."""
    name = question.metrics[0].name
    rows = found.now.rows if question.breakdown or question.times else ()
    parts = tuple(
        (row.keys[0] if question.breakdown else row.time or 0, _value(metric, row.values[name])) for row in rows
    )
    return StatsAnswer(_value(metric, found.now.totals[name]), parts, found.source, found.rows_read, found.ms)


def _value(metric: str, value: Value) -> Value:
    return round(100 * float(value), 4) if value is not None and metric in IN_PERCENT else value
