"""POST /api/v1/retention/query: who comes back, by the period in which they started."""

from time import perf_counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.bucket import USUAL_MS
from api.query.happening import HappeningForm
from api.query.kept import kept
from api.query.nightly import snapshot_of
from api.query.parts import With, now_ms
from api.query.periods import Interval, gridded
from api.query.scoped import Scoped, scope_of
from api.query.stats import Meta
from clickhouse.reports import retention
from clickhouse.reports.retention import Kind, RetentionQuery, Returning
from clickhouse.reports.retention_snapshot import Snapshot, answer_with, could_be_kept

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

MOST_PERIODS = 90
MEASURE = r"^(count|sum:(revenue|properties\..{1,1000}))$"
EXAMPLE: dict[str, Any] = {
    "start": {"event": "signup"},
    "return": {},
    "kind": "first_time",
    "returning": "on",
    "interval": "week",
    "periods": 13,
    "unit": "users",
}


class RetentionAsked(Scoped):
    """The question. The range is that of the cohorts and of the returns: it is taken from the beginning of its first period."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, json_schema_extra={"example": EXAMPLE})

    start: HappeningForm = Field(HappeningForm(), description="What starts somebody; any event if missing.")
    back: HappeningForm = Field(HappeningForm(), alias="return", description="What is a return; any event if missing.")
    kind: Kind = Field(
        "first_time",
        description=(
            "Which start counts: `first_time`: the first in the site's history; `first_ever`: the very first event of"
            " somebody, if it is a start; `recurring`: the first of each period anew."
        ),
    )
    returning: Returning = Field(
        "on",
        description="Who has returned: in period n; in period n or later; in one of the periods of a bracket.",
    )
    brackets: list[tuple[int, int]] = Field(
        [],
        max_length=MOST_PERIODS,
        description="For `bracket`: the first and last period of each, ascending: `[[1, 3], [4, 7]]`; 0 is the period of the start.",
    )
    interval: Interval = Field("week", description="The length of a period; weeks begin on Monday.")
    windows: Literal["calendar", "rolling"] = Field(
        "calendar",
        description="Periods of local time, or windows of 24 hours (1, 168, 720 for hours, weeks, months) from each one's own start.",
    )
    periods: int = Field(
        13, ge=1, le=MOST_PERIODS, description="How many periods are told, that of the start included."
    )
    minimum_times: int = Field(1, ge=1, le=1_000, description="How many returns it takes.")
    measure: Annotated[str, StringConstraints(pattern=MEASURE)] = Field(
        "count", description="`count`, or what the returning events sum up to: `sum:revenue`, `sum:properties.NAME`."
    )
    breakdown: Annotated[str, StringConstraints(max_length=1_000)] | None = Field(
        None,
        description=f"A field of the start, by whose values the cohorts are split; the {retention.LONGEST} largest.",
    )
    unit: Literal["users", "visitors"] = Field("users", description="People where known, else visitors; or visitors.")


class RetentionCell(BaseModel):
    """A column of a cohort."""

    value: float = Field(description="How many returned, or the sum.")
    rate: float | None = Field(description="The value for each of the cohort; null for an empty one.")
    unfinished: bool = Field(description="Whether the period is not yet over for all of the cohort, within the range.")


class RetentionCohort(BaseModel):
    """Those who started in one period."""

    timestamp: int = Field(description="When the period began, ms since the epoch.")
    size: int = Field(description="How many started.")
    values: list[RetentionCell] = Field(description="The columns, up to the last that has begun within the range.")


class RetentionGroup(BaseModel):
    """The cohorts of one value of the breakdown."""

    value: str | None = Field(description="The value, empty for unknown; null without a breakdown.")
    size: int = Field(description="How many are in its cohorts.")
    cohorts: list[RetentionCohort]
    averages: list[float | None] = Field(
        description="Of each column the rate over all cohorts for which it is finished, weighted by size; null if none is."
    )


class RetentionMeta(Meta):
    """How the answer was found."""

    snapshot: int | None = Field(
        None,
        description="When the nightly snapshot was made that answers, ms since the epoch; null where the events do.",
    )


class RetentionData(BaseModel):
    """The answer's data. Times are ms since the epoch."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    interval: Interval
    windows: str
    kind: Kind
    returning: Returning
    measure: str
    unit: str
    columns: list[tuple[int, int]] = Field(
        description="The first and the last period of each column; 0 is that of the start."
    )
    groups: list[RetentionGroup]
    meta: RetentionMeta


class RetentionResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: RetentionData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.post("/retention/query", summary="Who comes back")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: RetentionAsked) -> RetentionResponse:
    """Cohorts by the period in which somebody started, and how many of each came back in later periods."""
    began = perf_counter()
    question = await question_of(asked, key, parts)
    now = now_ms()
    snapshot, state = await _snapshot(parts, question)
    found = await answered(request, parts, lambda client: answer_with(client, question, snapshot, state, now))
    data = RetentionData(
        site_id=question.scope.site_id,
        start_date=question.scope.start_ms,
        end_date=question.scope.end_ms,
        timezone=question.scope.timezone,
        interval=asked.interval,
        windows=asked.windows,
        kind=asked.kind,
        returning=asked.returning,
        measure=asked.measure,
        unit=asked.unit,
        columns=list(question.brackets),
        groups=[_group(asked, group) for group in found.groups],
        meta=RetentionMeta(
            source=found.source,
            rows_read=found.rows_read,
            ms=round((perf_counter() - began) * 1000, 2),
            snapshot=found.snapshot_ms,
        ),
    )
    return RetentionResponse(data=data, timestamp=now)


async def question_of(asked: RetentionAsked, key: Reader, parts: With) -> RetentionQuery:
    """What the store is asked; raises BadParameter, NotFound, Forbidden."""
    scope, grid = gridded(await scope_of(asked, key, parts), asked.interval, asked, asked.periods)
    return RetentionQuery(
        scope=scope,
        grid=grid,
        brackets=brackets_of(asked),
        start=asked.start.happening,
        back=asked.back.happening,
        kind=asked.kind,
        returning=asked.returning,
        window_ms=USUAL_MS[asked.interval] if asked.windows == "rolling" else 0,
        minimum_times=asked.minimum_times,
        measure=asked.measure.removeprefix("sum:"),
        breakdown=asked.breakdown or "",
        unit=asked.unit,
    )


async def _snapshot(parts: With, question: RetentionQuery) -> tuple[Snapshot | None, str]:
    """What may answer in place of the events, and of which people the site is now."""
    if not could_be_kept(question):
        return None, ""
    site = question.scope.site_id
    kept = await parts.stored(lambda store: store.snapshots.get(site, question.unit))
    return snapshot_of(kept), (await parts.people.of(site)).state


def brackets_of(asked: RetentionAsked) -> tuple[tuple[int, int], ...]:
    """The columns of the answer; raises BadParameter for brackets that do not ascend, or where none are wanted."""
    if asked.returning != "bracket":
        if asked.brackets:
            raise BadParameter("brackets", "is for returning=bracket alone")
        return tuple((n, n) for n in range(asked.periods))
    if not asked.brackets:
        raise BadParameter("brackets", "is required with returning=bracket, such as [[1, 3], [4, 7]]")
    after = 0
    for number, (first, last) in enumerate(asked.brackets):
        if not after <= first <= last < MOST_PERIODS:
            raise BadParameter(
                f"brackets.{number}",
                f"must be two periods from {after} to {MOST_PERIODS - 1}, the first not after the last",
            )
        after = last + 1
    return tuple(asked.brackets)


def _group(asked: RetentionAsked, group: retention.Group) -> RetentionGroup:
    return RetentionGroup(
        value=group.value if asked.breakdown else None,
        size=group.size,
        cohorts=[_cohort(cohort) for cohort in group.cohorts],
        averages=[_short(rate) for rate in group.averages],
    )


def _cohort(cohort: retention.Cohort) -> RetentionCohort:
    values = [
        RetentionCell(
            value=_short(cell.value) or 0,
            rate=_short(cell.value / cohort.size) if cohort.size else None,
            unfinished=not cell.is_finished,
        )
        for cell in cohort.cells
        if cell.value is not None
    ]
    return RetentionCohort(timestamp=cohort.begin_ms, size=cohort.size, values=values)


def _short(value: float | None) -> float | None:
    """Without the last digits, in which sums of floating numbers differ by their order."""
    return value if value is None else round(value, 6)
