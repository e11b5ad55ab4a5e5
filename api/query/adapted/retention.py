"""GET /api/v1/analytics/retention and /cohorts: who comes back, week by week, as a matrix and of the members of a cohort."""

from collections.abc import Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.control.model import Site
from api.problems import documented
from api.query.access import Reader
from api.query.adapted.adapt import Adapted, Ask, adapted
from api.query.bucket import DAY_MS, begins
from api.query.parts import With, now_ms
from api.query.retention import MOST_PERIODS, RetentionMeta
from api.query.sites import found_site
from api.query.word import Reference

PATH = "/retention/query"
NAMES = {"periods": "weeks"}

router = APIRouter(tags=["other forms"], responses=documented(400, 401, 403, 404, 503, 504))


class AskedWeeks(BaseModel):
    """Of which weeks."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    weeks: int = Field(13, ge=1, le=MOST_PERIODS, description="How many weeks that are over, the latest the last.")


class AskedCohort(AskedWeeks):
    """Of whom, and of which weeks."""

    cohort_id: Reference = Field(description="The cohort.")


class Week(BaseModel):
    """How many of a cohort came back in a week after the one in which they started."""

    week: int = Field(description="0 is the week of the start.")
    retention_rate: float = Field(description="In percent.", examples=[41.5])
    cohort_size: int = Field(description="How many started so long before the range ends.")
    returning_users: int


class WeeksCohort(BaseModel):
    """Those who started in a week."""

    week_start: int = Field(description="When the week began, ms since the epoch.")
    cohort_size: int
    retention_by_week: list[Week]


class Matrix(BaseModel):
    """Retention of a site by weeks."""

    site_id: str
    weeks: int
    timezone: str
    start_date: int
    end_date: int
    cohorts: list[WeeksCohort]
    retention_by_week: list[Week] = Field(description="Of all cohorts together.")
    meta: RetentionMeta


class CohortsRetention(BaseModel):
    """Retention of the members of a cohort, by weeks since each was seen first."""

    cohort_id: str
    site_id: str
    cohort_name: str
    size: int = Field(description="How many members there are.")
    retention_by_week: list[Week]
    meta: RetentionMeta


@router.get("/retention", summary="Retention by weeks", response_model=Adapted[Matrix])
async def matrix(request: Request, key: Reader, parts: With, asked: Annotated[AskedWeeks, Query()]) -> Response:
    """`POST /api/v1/retention/query` of the weeks that are over: whoever did anything, by the week in which they came first."""
    site = await found_site(parts, key, asked.site_id)
    return await adapted(request, [Ask("POST", PATH, _question(asked, site))], _matrix, NAMES)


@router.get("/cohorts", summary="Retention of a cohort's members", response_model=Adapted[CohortsRetention])
async def cohort(request: Request, key: Reader, parts: With, asked: Annotated[AskedCohort, Query()]) -> Response:
    """The same of the members alone, all weeks in which they came first together."""
    site = await found_site(parts, key, asked.site_id)
    record = await parts.stored(lambda store: store.cohorts.get(key.organisation, site.id, asked.cohort_id))
    question = _question(asked, site) | {"filter": {"cohort": record.id}, "unit": record.of}

    def told(found: dict[str, Any], size: dict[str, int]) -> CohortsRetention:
        return CohortsRetention(
            cohort_id=record.id,
            site_id=site.id,
            cohort_name=record.name,
            size=size["members"],
            retention_by_week=_together(found["data"]["groups"][0]["cohorts"], asked.weeks),
            meta=found["data"]["meta"],
        )

    asks = [Ask("POST", PATH, question), Ask("GET", f"/cohorts/{record.id}/size", {})]
    return await adapted(request, asks, told, NAMES)


def _question(asked: AskedWeeks, site: Site) -> dict[str, Any]:
    start, end = over(asked.weeks, ZoneInfo(site.timezone), now_ms())
    return {
        "site_id": site.id,
        "start_date": str(start),
        "end_date": str(end),
        "interval": "week",
        "periods": asked.weeks,
    }


def over(weeks: int, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """The last so many weeks of local time that are over, in ms."""
    found = begins("week", now - (weeks + 1) * 7 * DAY_MS, now + 1, zone)
    return found[-1 - weeks], found[-1]


def _matrix(found: dict[str, Any]) -> Matrix:
    data = found["data"]
    cohorts = data["groups"][0]["cohorts"]
    return Matrix(
        site_id=data["site_id"],
        weeks=len(cohorts),
        timezone=data["timezone"],
        start_date=data["start_date"],
        end_date=data["end_date"],
        cohorts=[
            WeeksCohort(
                week_start=each["timestamp"],
                cohort_size=each["size"],
                retention_by_week=[
                    _week(week, each["size"], cell["value"]) for week, cell in enumerate(each["values"]) if each["size"]
                ],
            )
            for each in cohorts
        ],
        retention_by_week=_together(cohorts, len(cohorts)),
        meta=data["meta"],
    )


def _together(cohorts: Sequence[dict[str, Any]], weeks: int) -> list[Week]:
    """Of each week since the start, the cohorts that have it."""
    own = [[each for each in cohorts if len(each["values"]) > week] for week in range(weeks)]
    sizes = [sum(each["size"] for each in some) for some in own]
    values = [sum(each["values"][week]["value"] for each in some) for week, some in enumerate(own)]
    return [_week(week, size, value) for week, (size, value) in enumerate(zip(sizes, values, strict=True)) if size]


def _week(week: int, size: int, value: float) -> Week:
    return Week(week=week, retention_rate=round(100 * value / size, 4), cohort_size=size, returning_users=round(value))
