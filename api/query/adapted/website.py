"""GET /websites/{site_id}/analytics/…: traffic, pages, users, who is there now, audience; the site is in the address."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.problems import documented
from api.query.access import Reader
from api.query.adapted.adapt import Adapted, Ask, adapted, day
from api.query.recent import StoredEvent
from api.query.reports import ACTIVE_MINUTES
from api.query.word import Moment, Reference, Zone

NAMES = {"start_date": "start", "end_date": "end"}
TOP_PAGES = 5
LATEST = 10
LOADED, SCROLLED = "avg:properties.load", "avg:properties.scroll_percent"
KNOWN = {"not": {"field": "user_id", "op": "eq", "value": ""}}

router = APIRouter(
    prefix="/websites/{site_id}/analytics",
    tags=["other forms"],
    responses=documented(400, 401, 403, 404, 503, 504),
)

Website = Annotated[Reference, Path(description="The site.")]


class AskedTime(BaseModel):
    """Of which time; the last 24 hours where none is named."""

    model_config = ConfigDict(extra="forbid")

    start: Moment | None = Field(None, description="The first moment: an ISO 8601 time, a date, or ms since the epoch.")
    end: Moment | None = Field(
        None, description="The moment after the last, likewise; a date is in whole. Now if missing."
    )
    timezone: Zone | None = Field(None, description="IANA time zone of days; the site's if missing.")

    def question(self, site_id: str, **more: Any) -> dict[str, Any]:
        """The same as the reports take it."""
        own = {"start_date": self.start, "end_date": self.end, "timezone": self.timezone}
        return {"site_id": site_id} | {name: value for name, value in own.items() if value is not None} | more


class AskedRows(AskedTime):
    """The same, of which the first so many are told."""

    limit: int = Field(100, ge=1, le=10_000, description="How many are told.")


class AskedTraffic(AskedRows):
    """By what traffic is told apart."""

    by: Literal["source", "medium"] = Field("source", description="`utm_source` or `utm_medium`.")


class Camel(BaseModel):
    """Names as JavaScript writes them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Traffic(Camel):
    """Sessions by where they came from. Of `source` and `medium` the one that was not asked is null."""

    source: str | None = Field(description="Empty for unknown.")
    medium: str | None
    visits: int
    unique_visitors: int
    avg_engagement_time: float | None = Field(description="How long sessions last, in seconds.")
    bounce_rate: float | None


class WebPage(Camel):
    """A page."""

    path: str
    pageviews: int
    avg_load_time: float | None = Field(description="Mean of the property `load` of its events, in ms.")
    avg_scroll_depth: float | None = Field(description="Mean of their property `scroll_percent`.")


class Person(Camel):
    """Somebody who is known."""

    user_id: str
    total_events: int
    pageviews: int
    avg_engagement_time: float | None = Field(description="How long sessions last, in seconds.")


class ActivePage(Camel):
    """A page that is being seen."""

    path: str
    visitors: int


class Realtime(Camel):
    """The last 5 minutes."""

    active_visitors: int
    active_pages: list[ActivePage] = Field(description="The 5 with the most visitors.")
    recent_events: list[StoredEvent] = Field(description="The latest 10 of the last day.")
    events_per_minute: float


class Share(Camel):
    """The users of a device type or country, empty for unknown."""

    value: str
    users: int


class OnDay(Camel):
    """The users of a local day."""

    date: str = Field(examples=["2026-03-05"])
    users: int


class Audience(Camel):
    """Who the users are."""

    total_users: int
    device_breakdown: list[Share]
    geo_distribution: list[Share]
    daily_active_users: list[OnDay]


@router.get("/traffic", summary="Where a website's traffic comes from", response_model=Adapted[list[Traffic]])
async def traffic(request: Request, key: Reader, site_id: Website, asked: Annotated[AskedTraffic, Query()]) -> Response:
    """`GET /api/v1/reports/sources`: a session came from where its first event did."""

    def told(found: dict[str, Any]) -> Any:
        return [_traffic(asked.by, row) for row in found["sources"]]

    question = asked.question(site_id, by=f"utm_{asked.by}", limit=asked.limit)
    return await adapted(request, [Ask("GET", "/reports/sources", question)], told, NAMES)


@router.get("/pages", summary="A website's pages", response_model=Adapted[list[WebPage]])
async def pages(request: Request, key: Reader, site_id: Website, asked: Annotated[AskedRows, Query()]) -> Response:
    """`POST /api/v1/query` by path."""
    return await _listed(request, asked, site_id, "path", ["pageviews", LOADED, SCROLLED], _page)


@router.get("/users", summary="A website's known users", response_model=Adapted[list[Person]])
async def users(request: Request, key: Reader, site_id: Website, asked: Annotated[AskedRows, Query()]) -> Response:
    """`POST /api/v1/query` by the person that events name."""
    return await _listed(
        request, asked, site_id, "user_id", ["events", "pageviews", "session_duration"], _person, KNOWN
    )


@router.get("/realtime", summary="Who is on a website now", response_model=Adapted[Realtime])
async def realtime(request: Request, key: Reader, site_id: Website) -> Response:
    """`GET /api/v1/reports/realtime` and `/api/v1/events/recent`."""
    asks = [
        Ask("GET", "/reports/realtime", {"site_id": site_id}),
        Ask("GET", "/events/recent", {"site_id": site_id, "limit": LATEST}),
    ]
    return await adapted(request, asks, _realtime)


@router.get("/audience", summary="Who a website's users are", response_model=Adapted[Audience])
async def audience(request: Request, key: Reader, site_id: Website, asked: Annotated[AskedRows, Query()]) -> Response:
    """`POST /api/v1/query` by day, and `GET /api/v1/reports/audience` by device type and country."""
    shares = [
        Ask("GET", "/reports/audience", asked.question(site_id, by=by, limit=asked.limit))
        for by in ("device_type", "country")
    ]
    days = Ask("POST", "/query", asked.question(site_id, metrics=["users"], granularity="day"))
    return await adapted(request, [days, *shares], _audience, NAMES)


async def _listed(
    request: Request,
    asked: AskedRows,
    site_id: str,
    field: str,
    metrics: list[str],
    row_of: Any,
    only: dict[str, Any] | None = None,
) -> Response:
    question = asked.question(site_id, metrics=metrics, breakdown=[field], limit=asked.limit, filter=only or {})

    def told(found: dict[str, Any]) -> Any:
        return [row_of(row["dimensions"][field], row["metrics"]) for row in found["rows"]]

    return await adapted(request, [Ask("POST", "/query", question)], told, NAMES)


def _traffic(by: str, row: dict[str, Any]) -> Traffic:
    return Traffic(
        source=row["name"] if by == "source" else None,
        medium=row["name"] if by == "medium" else None,
        visits=row["sessions"],
        unique_visitors=row["visitors"],
        avg_engagement_time=row["session_duration"],
        bounce_rate=row["bounce_rate"],
    )


def _page(path: str, found: dict[str, Any]) -> WebPage:
    return WebPage(
        path=path, pageviews=found["pageviews"], avg_load_time=found[LOADED], avg_scroll_depth=found[SCROLLED]
    )


def _person(user_id: str, found: dict[str, Any]) -> Person:
    return Person(
        user_id=user_id,
        total_events=found["events"],
        pageviews=found["pageviews"],
        avg_engagement_time=found["session_duration"],
    )


def _realtime(found: dict[str, Any], recent: dict[str, Any]) -> Realtime:
    return Realtime(
        active_visitors=found["visitors"],
        active_pages=[ActivePage(path=row["key"], visitors=row["visitors"]) for row in found["pages"][:TOP_PAGES]],
        recent_events=recent["data"],
        events_per_minute=found["events"] / ACTIVE_MINUTES,
    )


def _audience(days: dict[str, Any], devices: dict[str, Any], countries: dict[str, Any]) -> Audience:
    return Audience(
        total_users=days["totals"]["users"],
        device_breakdown=_shares(devices, "device_type"),
        geo_distribution=_shares(countries, "country"),
        daily_active_users=[
            OnDay(date=day(row["time"], days["timezone"]), users=row["metrics"]["users"]) for row in days["rows"]
        ],
    )


def _shares(found: dict[str, Any], by: str) -> list[Share]:
    return [Share(value=row["dimensions"][by], users=row["metrics"]["users"]) for row in found["rows"]]
