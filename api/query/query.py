"""POST /api/v1/query: counts over time and by dimensions."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.annotations import AnnotationTold, noted
from api.query.asking import asked as answered
from api.query.bucket import begins
from api.query.kept import kept
from api.query.parts import With, now_ms
from api.query.scoped import Scoped, scope_of
from api.query.span import span
from api.query.word import Moment
from clickhouse.reports.field import field_of
from clickhouse.reports.formula import Formula, formula_of
from clickhouse.reports.metric import Metric, metric_of
from clickhouse.reports.query import Answer, Compared, Question, answer, change
from clickhouse.reports.query_statement import Granularity, Order
from clickhouse.reports.query_told import Row, Told
from clickhouse.reports.scope import Scope

USUAL_LIMIT = 100
MOST_GROUPS = 10_000
MOST_ROWS = 100_000
METRICS = (
    "`events`; `users`: people where known, else visitors; `visitors`; `sessions`; `revenue`; `pageviews`; `bounce_rate`;"
    " `session_duration`: mean, in seconds; `views_per_session`; `conversion_rate`: share of sessions with `target_event`;"
    " and `sum`, `avg`, `min`, `max`, `median`, `p90`, `p95`, `p99` of a number, such as `sum:properties.price`, `median:revenue`."
)

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

encode = msgspec.json.Encoder(decimal_format="number").encode

Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Own = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Number = int | float | None
Got = TypeVar("Got")


class FormulaForm(BaseModel):
    """A formula over the metrics."""

    model_config = ConfigDict(extra="forbid")

    name: Own = Field(description="What it is called in the answer.", examples=["per_user"])
    formula: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description='Metrics, numbers, + - * / and parentheses; a metric whose name is no word in quotes: `"sum:properties.price" / users`.',
        examples=["events / users"],
    )


class RangeForm(BaseModel):
    """A range to compare with."""

    model_config = ConfigDict(extra="forbid")

    start_date: Moment
    end_date: Moment


class QueryBody(Scoped):
    """A question."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "period": "7d",
                "metrics": ["events", "users"],
                "breakdown": ["country"],
                "granularity": "day",
                "formulas": [{"name": "per_user", "formula": "events / users"}],
                "compare": "previous",
                "limit": 10,
            }
        },
    )

    metrics: Annotated[list[Name], Field(min_length=1, max_length=10)] = Field(description=METRICS)
    breakdown: list[Name] = Field([], max_length=3, description="Fields of the events by which they are told apart.")
    granularity: Granularity = Field("none", description="Buckets of local time, without gaps.")
    compare: Literal["previous"] | RangeForm | None = Field(
        None, description="The range of the same length just before, or another range."
    )
    order_by: Name | None = Field(
        None,
        description="The metric, formula or field by which groups are ordered, with - before it from high to low; the first metric from high to low if missing.",
    )
    limit: int | None = Field(
        None,
        ge=1,
        le=MOST_GROUPS,
        description=f"How many groups are told, {USUAL_LIMIT} if missing; what the others sum up to is `rest`. Together with buckets at most {MOST_ROWS:,} rows.",
    )
    formulas: list[FormulaForm] = Field([], max_length=10)
    target_event: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="The event that a session is to have, for `conversion_rate`."
    )
    annotations: bool = Field(False, description="Whether to tell what was noted of the range.")


class QueryRow(BaseModel):
    """The metrics of a group in a bucket."""

    time: int | None = Field(None, description="The bucket's beginning, ms since the epoch; only with a granularity.")
    dimensions: dict[str, str] = Field(description="The value of each field, empty for unknown.")
    metrics: dict[str, Number] = Field(description="Each metric and formula; null where it has no value.")


class QueryRest(BaseModel):
    """What the groups that are not told sum up to, in a bucket."""

    time: int | None = Field(None, description="The bucket's beginning, ms since the epoch; only with a granularity.")
    metrics: dict[str, Number] = Field(description="Null where groups cannot be added up, as with users.")


class PreviousPeriod(BaseModel):
    """The same questions about the range that is compared with: its groups are those of `rows`, in their order."""

    start_date: int
    end_date: int
    rows: list[QueryRow]
    totals: dict[str, Number]
    rest: list[QueryRest]
    change: dict[str, Number] = Field(
        description="By what share each of the totals has changed since; null where there was nothing."
    )


class QueryMeta(BaseModel):
    """How the answer was found."""

    source: str = Field(description="The table that was read.")
    rows_read: int = Field(description="How many of its rows.")
    ms: float = Field(description="How long ClickHouse took, in ms.")
    exact: bool = Field(description="Whether everything was counted, nothing estimated.")
    groups: int = Field(description="How many groups there are, told or not.")


EXAMPLE: dict[str, Any] = {
    "site_id": "shop",
    "start_date": 1763035200000,
    "end_date": 1763640000000,
    "timezone": "Europe/Vienna",
    "rows": [{"dimensions": {"country": "AT"}, "metrics": {"events": 812, "users": 203, "per_user": 4.0}}],
    "totals": {"events": 1234, "users": 300, "per_user": 4.113},
    "rest": [{"metrics": {"events": 422, "users": None, "per_user": None}}],
    "previous": None,
    "meta": {"source": "events", "rows_read": 20480, "ms": 12.3, "exact": True, "groups": 14},
}


class QueryResponse(BaseModel):
    """The answer. Times are ms since the epoch."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    rows: list[QueryRow] = Field(description="Groups in their order, each with all of its buckets.")
    totals: dict[str, Number] = Field(description="Over everything, each user and session once.")
    rest: list[QueryRest] = Field(description="Empty where all groups are told.")
    previous: PreviousPeriod | None = None
    annotations: list[AnnotationTold] | None = Field(
        None, description="What was noted of the range, where it was asked."
    )
    meta: QueryMeta


@router.post("/query", summary="Metrics over time and by dimensions", response_model=QueryResponse)
@kept()
async def query(request: Request, key: Reader, parts: With, asked: QueryBody) -> Response:
    """Up to 10 metrics over a range, whole, by buckets of local time, by up to three fields, and compared with another range.

    Users, visitors and sessions that are in several groups or buckets count in each, and once in the totals. Revenue is in
    one currency: filter by it or break down by it. The minute aggregates answer where they are exact; `meta.source` tells.
    """
    scope = await scope_of(asked, key, parts)
    question = question_of(asked, scope, now_ms())
    found = await answered(request, parts, lambda client: answer(client, question))
    body = body_of(question, found)
    if asked.annotations:
        body["annotations"] = [each.model_dump() for each in await noted(parts, scope)]
    return Response(encode(body), media_type="application/json")


def question_of(body: QueryBody, scope: Scope, now: int) -> Question:
    """The question that a body asks; raises QueryError and BadParameter."""
    zone = ZoneInfo(scope.timezone)
    metrics = _each("metrics", body.metrics, metric_of)
    fields = _each("breakdown", body.breakdown, field_of)
    formulas = _formulas(body.formulas, metrics)
    names = [*body.metrics, *body.breakdown, *(each.name for each in formulas)]
    times = _times(body.granularity, scope.start_ms, scope.end_ms, zone)
    if (body.target_event is None) == any(each.kind == "conversion_rate" for each in metrics):
        raise BadParameter("target_event", "goes together with the metric conversion_rate")
    return Question(
        scope=scope,
        metrics=metrics,
        breakdown=fields,
        granularity=body.granularity,
        times=times,
        formulas=formulas,
        order=_order(body.order_by, names, bool(fields)),
        limit=_limit(body.limit, len(times)),
        target_event=body.target_event or "",
        compared=_compared(body, scope, zone, now),
    )


def body_of(question: Question, found: Answer) -> dict[str, Any]:
    """An answer as it is told."""
    scope, before, compared = question.scope, found.before, question.compared
    previous = None
    if before is not None and compared is not None:
        changed = change(found.now.totals, before.totals)
        previous = {
            "start_date": compared.start_ms,
            "end_date": compared.end_ms,
            **_told(question, before),
            "change": changed,
        }
    return {
        "site_id": scope.site_id,
        "start_date": scope.start_ms,
        "end_date": scope.end_ms,
        "timezone": scope.timezone,
        **_told(question, found.now),
        "previous": previous,
        "meta": {
            "source": found.source,
            "rows_read": found.rows_read,
            "ms": round(found.ms, 2),
            "exact": True,
            "groups": found.now.groups,
        },
    }


def _told(question: Question, told: Told) -> dict[str, Any]:
    names = [each.name for each in question.breakdown]
    return {
        "rows": [
            _timed(row) | {"dimensions": dict(zip(names, row.keys, strict=True)), "metrics": row.values}
            for row in told.rows
        ],
        "totals": told.totals,
        "rest": [_timed(row) | {"metrics": row.values} for row in told.rest],
    }


def _timed(row: Row) -> dict[str, Any]:
    return {} if row.time is None else {"time": row.time}


def _each(parameter: str, names: Sequence[str], read: Callable[[str, str], Got]) -> tuple[Got, ...]:
    found = tuple(read(name, f"{parameter}[{n}]") for n, name in enumerate(names))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadParameter(parameter, f"names {twice} twice")
    return found


def _formulas(forms: Sequence[FormulaForm], metrics: Sequence[Metric]) -> tuple[Formula, ...]:
    names = frozenset(each.name for each in metrics)
    taken = [*names, *(form.name for form in forms)]
    for n, form in enumerate(forms):
        if taken.count(form.name) > 1:
            raise BadParameter(f"formulas[{n}].name", f"{form.name} is the name of another formula or metric")
    return tuple(formula_of(form.name, form.formula, names, f"formulas[{n}].formula") for n, form in enumerate(forms))


def _times(granularity: Granularity, start: int, end: int, zone: ZoneInfo) -> tuple[int, ...]:
    return () if granularity == "none" else tuple(begins(granularity, start, end, zone, "granularity"))


def _order(asked: str | None, names: Sequence[str], has_groups: bool) -> Order | None:
    if asked is None:
        return None
    if not has_groups:
        raise BadParameter("order_by", "orders groups; name a breakdown")
    name = asked.removeprefix("-")
    if name not in names:
        raise BadParameter("order_by", f"{name} is none of {', '.join(names)}")
    return Order(name, descending=asked.startswith("-"))


def _limit(asked: int | None, buckets: int) -> int:
    most = min(MOST_GROUPS, MOST_ROWS // max(buckets, 1))
    if asked is not None and asked > most:
        raise BadParameter(
            "limit", f"{asked:,} groups of {buckets:,} buckets are more than {MOST_ROWS:,} rows: at most {most:,} here"
        )
    return asked or min(USUAL_LIMIT, most)


def _compared(body: QueryBody, scope: Scope, zone: ZoneInfo, now: int) -> Compared | None:
    if body.compare is None:
        return None
    if isinstance(body.compare, RangeForm):
        start, end = span(body.compare.start_date, body.compare.end_date, None, zone, now)
    else:
        start, end = 2 * scope.start_ms - scope.end_ms, scope.start_ms
        if start < 0:
            raise BadParameter("compare", "the period before begins before 1970")
    return Compared(start, end, _times(body.granularity, start, end, zone))
