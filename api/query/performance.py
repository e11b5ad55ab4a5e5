"""POST /api/v1/performance/query and /errors/query: how long pages take, and what fails on them."""

from time import perf_counter
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.bucket import begins
from api.query.faults import resolved_of
from api.query.kept import kept
from api.query.parts import With, now_ms
from api.query.scoped import Scoped, scope_of
from api.query.stats import Meta
from clickhouse.reports import errors, performance
from clickhouse.reports.errors import Status
from clickhouse.reports.performance import MEASURED, NOTHING, VITALS, Line, Measured
from clickhouse.reports.query_statement import Granularity

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

EXAMPLE: dict[str, Any] = {"period": "7d", "by": "device_type", "granularity": "day"}
RATED = {vital.name: vital for vital in VITALS}
Rating = Literal["good", "needs_improvement", "poor"]


class PerformanceAsked(Scoped):
    """The question, about the events named `web_vitals`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    by: Annotated[str, StringConstraints(max_length=1_000)] = Field(
        "path", description="The field by whose values pages are told apart: `path`, `device_type`, `country`, …."
    )
    granularity: Granularity = Field("none", description="Buckets of local time, without gaps.")
    limit: int = Field(50, ge=1, le=1_000, description="How many values are told, the most frequent first.")


class VitalRow(BaseModel):
    """A measurement: `lcp`, `inp`, `fcp`, `ttfb`, `load` in ms, `cls` without a unit."""

    name: str = Field(examples=["lcp"])
    count: int = Field(description="How many events have it as a number of 0 or more.")
    p50: float | None
    p75: float | None
    p95: float | None
    good: float | None = Field(description="Which share is good; null for `load`, which is not rated, and for none.")
    needs_improvement: float | None
    poor: float | None
    rating: Rating | None = Field(description="The rating of `p75`.")


class PerformanceGroup(BaseModel):
    """The measurements of a value."""

    value: str
    vitals: list[VitalRow]


class PerformanceBucket(BaseModel):
    """The measurements of a bucket of time."""

    timestamp: int
    vitals: list[VitalRow]


class PerformanceData(BaseModel):
    """The answer's data. Times are ms since the epoch."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    by: str
    vitals: list[VitalRow] = Field(description="Over everything.")
    values: int = Field(description="How many values there are, told or not.")
    groups: list[PerformanceGroup]
    over_time: list[PerformanceBucket]
    meta: Meta


class PerformanceResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: PerformanceData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


class ErrorsAsked(Scoped):
    """The question, about the events named `error`."""

    status: list[Status] = Field([], max_length=4, description="Only faults that stand so; all if empty.")
    limit: int = Field(50, ge=1, le=1_000, description="How many faults are told, the most frequent first.")


class FaultRow(BaseModel):
    """The same fault on a page."""

    fingerprint: str = Field(description="What tells it from others.", examples=["efbc104d31082848"])
    path: str
    message: str = Field(description="Without what differs: addresses, quoted texts and numbers.")
    example: str = Field(description="The first message in the range.")
    count: int
    visitors: int = Field(description="How many it hit.")
    users: int = Field(description="The same, people where known, else visitors.")
    first_seen: int = Field(description="The first time in the range, ms since the epoch.")
    last_seen: int = Field(description="The last time in the range, ms since the epoch.")
    release: str | None = Field(description="The property `release` of the last one; null if it names none.")
    status: Status = Field(
        description="`new`: not seen in the 90 days before the range; `ongoing`; `resolved`: somebody said so, and it was not seen"
        " since; `regressed`: it was, in no release older than that in which it is resolved."
    )


class ErrorsData(BaseModel):
    """The answer's data. Times are ms since the epoch."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    count: int = Field(description="How many errors there were.")
    visitors: int = Field(description="How many visitors they hit.")
    users: int = Field(description="The same, people where known, else visitors.")
    groups: int = Field(description="How many faults there are that stand so, told or not.")
    faults: list[FaultRow]
    meta: Meta


class ErrorsResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: ErrorsData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.post("/performance/query", summary="How long pages take")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: PerformanceAsked) -> PerformanceResponse:
    """LCP, INP, CLS, FCP, TTFB and load: p50, p75, p95 and how they are rated, whole, by a field, and over time."""
    began = perf_counter()
    scope = await scope_of(asked, key, parts)
    zone, times = ZoneInfo(scope.timezone), []
    if asked.granularity != "none":
        times = begins(asked.granularity, scope.start_ms, scope.end_ms, zone, "granularity")
    found = await answered(
        request, parts, lambda client: performance.answer(client, scope, asked.by, asked.granularity, asked.limit)
    )
    nothing = dict.fromkeys(MEASURED, NOTHING)
    data = PerformanceData(
        site_id=scope.site_id,
        start_date=scope.start_ms,
        end_date=scope.end_ms,
        timezone=scope.timezone,
        by=asked.by,
        vitals=_rows(found.total),
        values=found.values,
        groups=[PerformanceGroup(value=value, vitals=_rows(line)) for value, line in found.groups],
        over_time=[PerformanceBucket(timestamp=time, vitals=_rows(found.buckets.get(time, nothing))) for time in times],
        meta=Meta(source=found.source, rows_read=found.rows_read, ms=round((perf_counter() - began) * 1000, 2)),
    )
    return PerformanceResponse(data=data, timestamp=now_ms())


@router.post("/errors/query", summary="What fails on pages")
@kept()
async def query_errors(request: Request, key: Reader, parts: With, asked: ErrorsAsked) -> ErrorsResponse:
    """Errors grouped by message and page: how often, whom they hit, when they were first and last seen, and how they stand."""
    began = perf_counter()
    scope = await scope_of(asked, key, parts)
    resolved = await resolved_of(parts, scope.site_id)
    found = await answered(
        request, parts, lambda client: errors.answer(client, scope, asked.limit, resolved, asked.status)
    )
    data = ErrorsData(
        site_id=scope.site_id,
        start_date=scope.start_ms,
        end_date=scope.end_ms,
        timezone=scope.timezone,
        count=found.count,
        visitors=found.visitors,
        users=found.users,
        groups=found.groups,
        faults=[_fault(each) for each in found.faults],
        meta=Meta(source=found.source, rows_read=found.rows_read, ms=round((perf_counter() - began) * 1000, 2)),
    )
    return ErrorsResponse(data=data, timestamp=now_ms())


def _rows(line: Line) -> list[VitalRow]:
    return [_row(name, line[name]) for name in MEASURED]


def _row(name: str, found: Measured) -> VitalRow:
    good, poor = _share(found.good, found.count), _share(found.poor, found.count)
    between = None if found.good is None or found.poor is None else found.count - found.good - found.poor
    return VitalRow(
        name=name,
        count=found.count,
        p50=_short(found.p50),
        p75=_short(found.p75),
        p95=_short(found.p95),
        good=good,
        needs_improvement=_share(between, found.count),
        poor=poor,
        rating=rating(name, found.p75),
    )


def rating(name: str, value: float | None) -> Rating | None:
    """How a value is rated; None for what is not."""
    vital = RATED.get(name)
    if vital is None or value is None:
        return None
    return "good" if value <= vital.good else "poor" if value > vital.poor else "needs_improvement"


def _fault(fault: errors.Fault) -> FaultRow:
    return FaultRow(
        fingerprint=fault.fingerprint,
        path=fault.path,
        message=fault.message,
        example=fault.example,
        count=fault.count,
        visitors=fault.visitors,
        users=fault.users,
        first_seen=fault.first_ms,
        last_seen=fault.last_ms,
        release=fault.release or None,
        status=fault.status,
    )


def _share(part: int | None, whole: int) -> float | None:
    return round(part / whole, 6) if part is not None and whole else None


def _short(value: float | None) -> float | None:
    return value if value is None else round(value, 6)
