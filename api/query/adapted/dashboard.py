"""GET /analytics/…: a site's dashboard in single calls."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.problems import documented
from api.query.access import Reader
from api.query.adapted.adapt import Adapted, Ask, adapted, body, day, parameters
from api.query.alertform import Occurrence
from api.query.page import Page
from api.query.params import AskedNow, AskedRange, Listed, Ranged
from api.query.reports import PageRow, RealtimeResponse, SourceRow

YEAR = "52w"
TOP = 10
VISITS = ["visitors", "sessions", "pageviews", "bounce_rate", "session_duration"]
OVERVIEW = ["events", "users", *VISITS, "views_per_session"]
ENGAGEMENT = ["sessions", "bounce_rate", "session_duration", "views_per_session"]

router = APIRouter(tags=["other forms"], responses=documented(400, 401, 403, 404, 503, 504))

Numbers = dict[str, int | float | None]


class Span(BaseModel):
    """The time that an answer is about, in ms since the epoch, and its local time."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str


class Overview(Span):
    """What there was, and by what share each has changed since the range of the same length before."""

    totals: Numbers
    change: Numbers


class Dated(BaseModel):
    """The numbers of a local day."""

    date: str = Field(examples=["2026-03-05"])
    metrics: Numbers


class Days(Span):
    """Numbers of each day, and of all."""

    days: list[Dated]
    totals: Numbers


class Places(Span):
    """Visitors by country, the most frequent first."""

    countries: list["Place"]
    count: int = Field(description="How many countries there are, told or not.")


class Place(BaseModel):
    """A country, empty for unknown."""

    country: str = Field(examples=["AT"])
    metrics: Numbers


class Top(BaseModel):
    """The pages with the most views."""

    pages: list[PageRow]
    total: PageRow
    count: int = Field(description="How many pages there are, told or not.")


class CameFrom(BaseModel):
    """The sources with the most sessions."""

    sources: list[SourceRow]
    total: SourceRow
    count: int = Field(description="How many sources there are, told or not.")


class Month(BaseModel):
    """The events of a local month."""

    month: str = Field(examples=["2026-03"])
    events: int


class Storage(Span):
    """How many events are stored."""

    events: int
    months: list[Month]


class AskedTop(Listed):
    """The same, of which the first so many are told."""

    limit: int = Field(TOP, ge=1, le=10_000, description="How many are told.")


class AskedSources(AskedTop):
    """By what sources are told apart."""

    by: str = Field("channel", description="As of `GET /api/v1/reports/sources`.")


class AskedLatest(BaseModel):
    """The latest so many."""

    site_id: str | None = Field(
        None, max_length=64, description="The site; may be left out where the key is bound to one."
    )
    limit: int = Field(TOP, ge=1, le=200, description="How many to list at most.")
    cursor: str | None = Field(
        None, max_length=500, description="Where to go on: the `next_cursor` of the page before."
    )


@router.get("/overview", summary="A site at a glance", response_model=Adapted[Overview])
async def overview(request: Request, key: Reader, asked: AskedRange) -> Response:
    """`POST /api/v1/query`, compared with the range before."""

    def told(found: dict[str, Any]) -> Overview:
        return Overview(**_span(found), totals=found["totals"], change=found["previous"]["change"])

    question = body(asked, metrics=OVERVIEW, compare="previous")
    return await adapted(request, [Ask("POST", "/query", question)], told)


@router.get("/sessions/daily", summary="Sessions by day", response_model=Adapted[Days])
async def sessions_daily(request: Request, key: Reader, asked: AskedRange) -> Response:
    """`POST /api/v1/query` by local days."""
    return await _daily(request, asked, VISITS)


@router.get("/engagement", summary="How engaged visitors are", response_model=Adapted[Days])
async def engagement(request: Request, key: Reader, asked: AskedRange) -> Response:
    """`POST /api/v1/query` by local days: bounces, how long sessions last and how many pages they see."""
    return await _daily(request, asked, ENGAGEMENT)


@router.get("/pages/top", summary="The most seen pages", response_model=Adapted[Top])
async def pages_top(request: Request, key: Reader, asked: Annotated[AskedTop, Query()]) -> Response:
    """`GET /api/v1/reports/pages`."""
    return await adapted(request, [Ask("GET", "/reports/pages", parameters(asked))], Top.model_validate)


@router.get("/sources", summary="Where sessions came from", response_model=Adapted[CameFrom])
async def sources(request: Request, key: Reader, asked: Annotated[AskedSources, Query()]) -> Response:
    """`GET /api/v1/reports/sources`."""
    return await adapted(request, [Ask("GET", "/reports/sources", parameters(asked))], CameFrom.model_validate)


@router.get("/geo", summary="Where visitors are", response_model=Adapted[Places])
async def geo(request: Request, key: Reader, asked: Annotated[AskedTop, Query()]) -> Response:
    """`GET /api/v1/reports/audience` by country."""

    def told(found: dict[str, Any]) -> Places:
        countries = [Place(country=row["dimensions"]["country"], metrics=row["metrics"]) for row in found["rows"]]
        return Places(**_span(found), countries=countries, count=found["meta"]["groups"])

    return await adapted(request, [Ask("GET", "/reports/audience", parameters(asked) | {"by": "country"})], told)


@router.get("/realtime", summary="Who is there now", response_model=Adapted[RealtimeResponse])
async def realtime(request: Request, key: Reader, asked: AskedNow) -> Response:
    """`GET /api/v1/reports/realtime`."""
    return await adapted(request, [Ask("GET", "/reports/realtime", parameters(asked))], RealtimeResponse.model_validate)


@router.get("/storage", summary="How many events are stored", response_model=Adapted[Storage])
async def storage(request: Request, key: Reader, asked: AskedRange) -> Response:
    """`POST /api/v1/query` by local months; of the last 52 weeks where no time is named."""

    def told(found: dict[str, Any]) -> Storage:
        rows = [(day(row["time"], found["timezone"])[:7], row["metrics"]["events"]) for row in found["rows"]]
        months = [Month(month=month, events=events) for month, events in rows]
        return Storage(**_span(found), events=found["totals"]["events"], months=months)

    usual = {} if asked.period or asked.start_date or asked.end_date else {"period": YEAR}
    question = body(asked, metrics=["events"], granularity="month") | usual
    return await adapted(request, [Ask("POST", "/query", question)], told)


@router.get("/anomalies", summary="What was out of the ordinary", response_model=Adapted[Page[Occurrence]])
async def anomalies(request: Request, key: Reader, asked: Annotated[AskedLatest, Query()]) -> Response:
    """`GET /api/v1/alerts/history`: what the site's alert rules told, the latest first."""
    question = asked.model_dump(exclude_none=True)
    return await adapted(request, [Ask("GET", "/alerts/history", question)], Page[Occurrence].model_validate)


async def _daily(request: Request, asked: Ranged, metrics: list[str]) -> Response:
    def told(found: dict[str, Any]) -> Days:
        days = [Dated(date=day(row["time"], found["timezone"]), metrics=row["metrics"]) for row in found["rows"]]
        return Days(**_span(found), days=days, totals=found["totals"])

    return await adapted(request, [Ask("POST", "/query", body(asked, metrics=metrics, granularity="day"))], told)


def _span(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in Span.model_fields}
