"""POST /api/v1/lifecycle/query: who is new, who stays, who comes back, and who is gone."""

from dataclasses import replace
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.problems import documented
from api.query.access import Reader
from api.query.activity import ActivityAsked, ActivityData, shared
from api.query.asking import asked as answered
from api.query.bucket import begins
from api.query.kept import kept
from api.query.parts import With, now_ms
from api.query.periods import Interval, gridded
from api.query.scoped import scope_of
from clickhouse.reports import lifecycle
from clickhouse.reports.activity import Activity
from clickhouse.reports.grid import Grid

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

USUAL = 13
EXAMPLE: dict[str, Any] = {"period": "90d", "interval": "week", "active": {"event": "purchase"}}


class LifecycleAsked(ActivityAsked):
    """The question. The range is taken from the beginning of its first period."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    interval: Interval = Field("week", description="The length of a period; weeks begin on Monday.")


class LifecyclePeriod(BaseModel):
    """How many are in each state. Those who are active in it are new, returning or resurrecting."""

    timestamp: int = Field(description="When the period began, ms since the epoch.")
    new: int = Field(description="Active for the first time in the site's history.")
    returning: int = Field(description="Active in the period before, too.")
    resurrecting: int = Field(description="Active before, but not in the period before.")
    dormant: int = Field(description="Active in the period before, and not in this one.")
    unfinished: bool = Field(description="Whether the period is not yet over, within the range.")


class LifecycleData(ActivityData):
    """The answer's data."""

    interval: Interval
    periods: list[LifecyclePeriod]


class LifecycleResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: LifecycleData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.post("/lifecycle/query", summary="Who is new, stays, comes back or is gone")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: LifecycleAsked) -> LifecycleResponse:
    """Of each period of local time: how many users or visitors are new, returning, resurrecting and dormant."""
    began, now = perf_counter(), now_ms()
    scope, grid = gridded(await scope_of(asked, key, parts), asked.interval, asked, USUAL)
    activity = Activity(scope, asked.unit, with_period_before(grid, asked.interval, scope.timezone), True)
    activity = replace(activity, what=asked.active.happening, where="active")
    found = await answered(request, parts, lambda client: lifecycle.answer(client, activity, now))
    periods = [_period(stage) for stage in found.stages]
    data = LifecycleData(**shared(scope, asked, found, began), interval=asked.interval, periods=periods)
    return LifecycleResponse(data=data, timestamp=now)


def with_period_before(grid: Grid, interval: Interval, timezone: str) -> Grid:
    """The grid with the period before its first."""
    return Grid((begins(interval, grid.start_ms - 1, grid.start_ms, ZoneInfo(timezone))[0], *grid.begins))


def _period(stage: lifecycle.Stage) -> LifecyclePeriod:
    return LifecyclePeriod(timestamp=stage.begin_ms, unfinished=not stage.is_finished, **stage.counts)
