"""POST /api/v1/stickiness/…: in how many periods somebody is there; and active users by day, week and month."""

from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.problems import documented
from api.query.access import Reader
from api.query.activity import ActivityAsked, ActivityData, shared
from api.query.asking import asked as answered
from api.query.bucket import DAY_MS, begins
from api.query.kept import kept
from api.query.parts import With, now_ms
from api.query.periods import Interval, gridded
from api.query.scoped import scope_of
from clickhouse.reports import stickiness
from clickhouse.reports.activity import Activity
from clickhouse.reports.grid import Grid
from clickhouse.reports.stickiness import MONTH

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

USUAL = 30
EXAMPLE: dict[str, Any] = {"period": "30d", "interval": "day", "active": {"event": "page_view"}}


class StickinessAsked(ActivityAsked):
    """The question. The range is taken from the beginning of its first period."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    interval: Interval = Field("day", description="The length of a period; weeks begin on Monday.")


class StickinessRow(BaseModel):
    """How many were active in so many periods."""

    periods: int
    exactly: int
    at_least: int
    share: float | None = Field(description="Of all who were active, those active in exactly so many; null for none.")


class StickinessData(ActivityData):
    """The answer's data."""

    interval: Interval
    units: int = Field(description="How many were active at all.")
    rows: list[StickinessRow] = Field(description="One for each number of periods, from 1 to all of the range.")


class StickinessResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: StickinessData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


class ActiveDay(BaseModel):
    """How many were active up to the end of a day."""

    timestamp: int = Field(description="When the day began, ms since the epoch.")
    day: int = Field(description="On the day: DAU.")
    week: int = Field(description="On it or the 6 days before: WAU.")
    month: int = Field(description="On it or the 29 days before: MAU.")
    ratio: float | None = Field(description="The first over the last: DAU/MAU; null where nobody was active.")
    unfinished: bool = Field(description="Whether the day is not yet over, within the range.")


class ActiveData(ActivityData):
    """The answer's data."""

    days: list[ActiveDay]


class ActiveResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: ActiveData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.post("/stickiness/query", summary="In how many periods somebody is there")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: StickinessAsked) -> StickinessResponse:
    """How many users or visitors were active in exactly, and in at least, so many periods of the range."""
    began, now = perf_counter(), now_ms()
    scope, grid = gridded(await scope_of(asked, key, parts), asked.interval, asked, USUAL)
    activity = Activity(scope, asked.unit, grid, False, asked.active.happening, "active")
    found = await answered(request, parts, lambda client: stickiness.answer(client, activity, now))
    rows = [
        StickinessRow(periods=n, exactly=exactly, at_least=at_least, share=_share(exactly, found.units))
        for n, (exactly, at_least) in enumerate(zip(found.exactly, found.at_least, strict=True), 1)
    ]
    data = StickinessData(**shared(scope, asked, found, began), interval=asked.interval, units=found.units, rows=rows)
    return StickinessResponse(data=data, timestamp=now)


@router.post("/stickiness/active", summary="Active users by day, week and month")
@kept()
async def active(request: Request, key: Reader, parts: With, asked: ActivityAsked) -> ActiveResponse:
    """For each local day of the range: DAU, WAU, MAU of rolling 1, 7 and 30 days, and DAU/MAU."""
    began, now = perf_counter(), now_ms()
    scope, grid = gridded(await scope_of(asked, key, parts), "day", asked, USUAL)
    longer = with_days_before(grid, scope.timezone)
    activity = Activity(scope, asked.unit, longer, False, asked.active.happening, "active")
    found = await answered(request, parts, lambda client: stickiness.active(client, activity, now))
    data = ActiveData(**shared(scope, asked, found, began), days=[_day(each) for each in found.days])
    return ActiveResponse(data=data, timestamp=now)


def with_days_before(grid: Grid, timezone: str) -> Grid:
    """The grid with the 29 local days before its first."""
    before = begins("day", grid.start_ms - (MONTH + 2) * DAY_MS, grid.start_ms, ZoneInfo(timezone))
    return Grid((*before[1 - MONTH :], *grid.begins))


def _day(found: stickiness.Active) -> ActiveDay:
    return ActiveDay(
        timestamp=found.begin_ms,
        day=found.day,
        week=found.week,
        month=found.month,
        ratio=_share(found.day, found.month),
        unfinished=not found.is_finished,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
