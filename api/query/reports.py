"""GET /api/v1/reports/…: pages, sources, audience, who is there now, revenue."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.problems import documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.kept import kept
from api.query.params import AskedList, AskedNow, AskedRange, Listed
from api.query.parts import With, now_ms
from api.query.query import QueryBody, QueryResponse, body_of, encode, question_of
from api.query.scoped import Scoped, scope_of
from clickhouse.reports import newness, pages, realtime, sources
from clickhouse.reports.filter import AllOf, Condition
from clickhouse.reports.query import answer
from clickhouse.reports.scope import Scope
from pulse.minute import MINUTE_MS, minute_of

NOW_MS = 2_000
"""By so much may lag what is told of now."""
ACTIVE_MINUTES = 5
MINUTES = 30
AUDIENCE = ["users", "visitors", "sessions", "pageviews", "events", "bounce_rate"]
HAS_REVENUE = Condition("revenue", "ne", (0.0,))

router = APIRouter(prefix="/reports", tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))


class Meta(BaseModel):
    """How the answer was found."""

    source: str = Field(description="The table that was read.")
    rows_read: int = Field(description="How many of its rows.")
    ms: float = Field(description="How long ClickHouse took, in ms.")


class PageRow(BaseModel):
    """A page, or all pages."""

    path: str = Field(examples=["/pricing"])
    views: int
    visitors: int
    entries: int = Field(description="Sessions whose first page view is here.")
    exits: int = Field(description="Sessions whose last page view is here.")
    bounce_rate: float | None = Field(
        description="Of the sessions that began here, the share without another page view."
    )
    seconds: float | None = Field(
        description="Mean time until the session's next page view; null where none has a next one."
    )


class PagesResponse(BaseModel):
    """The pages with the most views."""

    pages: list[PageRow]
    total: PageRow
    count: int = Field(description="How many pages there are, told or not.")
    meta: Meta


class SourceRow(BaseModel):
    """A source, or all sources."""

    name: str = Field(description="Empty for unknown.", examples=["organic search"])
    sessions: int
    visitors: int
    pageviews: int
    bounce_rate: float | None
    session_duration: float | None = Field(description="Mean, in seconds.")


class SourcesResponse(BaseModel):
    """The sources with the most sessions."""

    sources: list[SourceRow]
    total: SourceRow
    count: int = Field(description="How many sources there are, told or not.")
    meta: Meta


class NewnessResponse(BaseModel):
    """New and returning visitors, and their events in the range."""

    new: int = Field(description="Visitors without an event before the range.")
    new_events: int
    returning: int = Field(description="Visitors with one.")
    returning_events: int
    meta: Meta


class ActiveRow(BaseModel):
    """Visitors and events of a page, event or country."""

    key: str
    visitors: int
    events: int


class MinuteRow(BaseModel):
    """Visitors and events of a minute."""

    time: int = Field(description="The minute's beginning, ms since the epoch.")
    visitors: int
    events: int


class RealtimeResponse(BaseModel):
    """Who is there now. Visitors, pages, events and countries are those of the last 5 minutes."""

    visitors: int
    events: int
    minutes: list[MinuteRow] = Field(description="The last 30 minutes, the current one last.")
    pages: list[ActiveRow]
    names: list[ActiveRow] = Field(description="By the events' names.")
    countries: list[ActiveRow]
    meta: Meta


By = Literal[
    "channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer_host", "referrer"
]
Dimension = Literal["country", "region", "city", "device_type", "browser", "os", "language", "screen", "timezone"]


class AskedSources(Listed):
    """By which field."""

    by: By = Field("channel", description="What tells sources apart.")


class AskedAudience(Listed):
    """By which field."""

    by: Dimension = Field("country", description="What tells visitors apart.")


@router.get("/pages", summary="The pages", response_model=PagesResponse)
@kept()
async def pages_report(request: Request, key: Reader, parts: With, asked: AskedList) -> Response:
    """By views. Entries, exits and time are told by the session's page views, whichever of them pass the filter."""
    scope = await scope_of(asked.scoped(), key, parts)
    found = await answered(request, parts, lambda client: pages.pages(client, scope, asked.limit))
    return _told(asdict(found))


@router.get("/sources", summary="Where sessions came from", response_model=SourcesResponse)
@kept()
async def sources_report(
    request: Request, key: Reader, parts: With, asked: Annotated[AskedSources, Query()]
) -> Response:
    """By sessions: a session came from where its first event did. Those of which an event passes the filter count."""
    scope = await scope_of(asked.scoped(), key, parts)
    found = await answered(request, parts, lambda client: sources.sources(client, scope, asked.by, asked.limit))
    return _told(asdict(found))


@router.get("/audience", summary="Who the visitors are", response_model=QueryResponse)
@kept()
async def audience_report(
    request: Request, key: Reader, parts: With, asked: Annotated[AskedAudience, Query()]
) -> Response:
    """By users, as `POST /api/v1/query` tells it."""
    scope = await scope_of(asked.scoped(), key, parts)
    body = QueryBody(metrics=AUDIENCE, breakdown=[asked.by], limit=asked.limit)
    return await _planned(request, parts, body, scope)


@router.get("/audience/newness", summary="New and returning visitors", response_model=NewnessResponse)
@kept()
async def newness_report(request: Request, key: Reader, parts: With, asked: AskedRange) -> Response:
    """A visitor is returning who has any event before the range."""
    scope = await scope_of(asked.scoped(), key, parts)
    return _told(asdict(await answered(request, parts, lambda client: newness.newness(client, scope))))


@router.get("/realtime", summary="Who is there now", response_model=RealtimeResponse)
@kept(seconds=5, most_ms=NOW_MS)
async def realtime_report(request: Request, key: Reader, parts: With, asked: AskedNow) -> Response:
    """Visitors of the last 5 minutes, each of the last 30 minutes, and the 10 most frequent pages, events and countries."""
    now = now_ms()
    end = minute_of(now) + MINUTE_MS
    times = range(end - MINUTES * MINUTE_MS, end, MINUTE_MS)
    ranged = Scoped(start_date=str(times[0]), end_date=str(end))
    body = asked.scoped().model_copy(update=ranged.model_dump(include={"start_date", "end_date"}))
    scope = await scope_of(body, key, parts)
    active = now - ACTIVE_MINUTES * MINUTE_MS
    found = await answered(request, parts, lambda client: realtime.realtime(client, scope, active))
    nobody = realtime.Active("", 0, 0)
    minutes = [(time, found.minutes.get(time, nobody)) for time in times]
    return _told(
        {
            "visitors": found.now.visitors,
            "events": found.now.events,
            "minutes": [{"time": time, "visitors": each.visitors, "events": each.events} for time, each in minutes],
            "pages": [asdict(each) for each in found.pages],
            "names": [asdict(each) for each in found.events],
            "countries": [asdict(each) for each in found.countries],
            "rows_read": found.rows_read,
            "ms": found.ms,
        }
    )


@router.get("/revenue", summary="Revenue by currency and day", response_model=QueryResponse)
@kept()
async def revenue_report(request: Request, key: Reader, parts: With, asked: AskedRange) -> Response:
    """Of the events that have revenue: its sum and mean, how many there are, and of how many users; by local days."""
    scope = await scope_of(asked.scoped(), key, parts)
    body = QueryBody(metrics=["revenue", "events", "users", "avg:revenue"], breakdown=["currency"], granularity="day")
    only = Scope(**{**vars(scope), "filter": AllOf((scope.filter, HAS_REVENUE))})
    return await _planned(request, parts, body, only)


async def _planned(request: Request, parts: With, body: QueryBody, scope: Scope) -> Response:
    question = question_of(body, scope, now_ms())
    found = await answered(request, parts, lambda client: answer(client, question))
    return Response(encode(body_of(question, found)), media_type="application/json")


def _told(found: dict[str, Any]) -> Response:
    """What was found, with what it took."""
    meta = {"source": "events", "rows_read": found.pop("rows_read"), "ms": round(found.pop("ms"), 2)}
    return Response(encode(found | {"meta": meta}), media_type="application/json")
