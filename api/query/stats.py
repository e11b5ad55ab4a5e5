"""GET /api/v1/stats: one metric of a site over a time, whole and by groups."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.control.model import Site
from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.annotations import AnnotationTold, noted
from api.query.asking import asked as answered
from api.query.bucket import begins
from api.query.kept import kept
from api.query.membership import cohorts_of
from api.query.parts import With, now_ms
from api.query.planned import OF_SESSIONS, filter_of, question_of, told
from api.query.scoped import TRAFFIC
from api.query.sites import found_site
from api.query.span import USUAL_PERIOD, span
from api.query.word import CountryCode, CurrencyCode, End, Period, Reference, Start, Zone
from clickhouse.reports.formula import Value
from clickhouse.reports.query import answer as plan
from clickhouse.reports.scope import Scope
from clickhouse.reports.traffic import Traffic, narrowed
from clickhouse.stats import OF_RISK, TIMES, Bots, Group, OfRisk, StatsAnswer, StatsQuery, answer
from clickhouse.stats import Metric as Counted

router = APIRouter(tags=["statistics"], responses=documented(400, 401, 403, 404, 503, 504))

_encode = msgspec.json.Encoder(decimal_format="number").encode

Metric = Counted | Literal["event_count_by_type", "avg_session_duration", "bounce_rate", "conversion_rate"]
BY_TYPE = "event_count_by_type"

Text = Annotated[str, StringConstraints(max_length=200)]

EXAMPLE: dict[str, Any] = {
    "success": True,
    "data": {
        "metric": "event_count",
        "value": 1234,
        "period": "7d",
        "start_date": 1763035200000,
        "end_date": 1763640000000,
        "site_id": "shop",
        "group_by": "day",
        "timezone": "Europe/Vienna",
        "breakdown": [{"timestamp": 1763074800000, "value": 180}, {"timestamp": 1763161200000, "value": 0}],
        "annotations": [],
        "meta": {"source": "metrics_minute", "rows_read": 812, "ms": 4.1},
    },
    "timestamp": 1763640000123,
}


class Asked(BaseModel):
    """The parameters."""

    model_config = ConfigDict(extra="forbid")

    metric: Metric = Field(
        description="`event_count`, `event_count_by_type`; `unique_users`: people where known, else visitors; `unique_sessions`;"
        " `revenue`: in one currency; of whole sessions `avg_session_duration` in seconds, `bounce_rate` and `conversion_rate`,"
        " the share of those with `target_event`, in percent."
    )
    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    period: Period | None = Field(
        None,
        description=f"Minutes, hours, days or weeks up to now, such as `1h`, `24h`, `7d`, `30d`; `{USUAL_PERIOD}` if no time is named.",
    )
    start_date: Start = None
    end_date: End = None
    group_by: Group | OfRisk | None = Field(
        None,
        description="Break down by local time, without gaps, or by a dimension, the largest first, at most 200 values.",
    )
    event: list[Text] = Field([], max_length=100, description="Only events of this name; may be given several times.")
    country: list[CountryCode] = Field(
        [], max_length=300, description="Only from this country, `AT`; several times; empty for unknown."
    )
    device_type: list[Text] = Field([], max_length=100, description="Only from devices of this type; several times.")
    currency: CurrencyCode | None = Field(
        None,
        description="Only events in this currency; for `revenue` where there are several. Only with counted metrics.",
    )
    cohort: Reference | None = Field(None, description="Only what members of this cohort did.")
    target_event: Text | None = Field(
        None, min_length=1, description="The event that a session is to have, for `conversion_rate`."
    )
    timezone: Zone | None = Field(None, description="IANA time zone of hours, days and weeks; the site's if missing.")
    bots: Bots = Field("include", description="Whether crawlers and other machines count.")
    traffic: Traffic = Field("all", description=TRAFFIC)


class Meta(BaseModel):
    """How the answer was found."""

    source: str = Field(description="The table that was read.")
    rows_read: int = Field(description="How many of its rows.")
    ms: float = Field(description="How long it took, in ms.")


class Part(BaseModel):
    """The value of one group: a bucket of time, or a value of a dimension."""

    timestamp: int | None = Field(None, description="The bucket's beginning, ms since the epoch.")
    key: str | None = Field(None, description="The dimension's value, empty for unknown.")
    value: int | float | None = Field(description="Null for a mean or a share of nothing.")


class Stats(BaseModel):
    """The answer's data. Times are ms since the epoch."""

    metric: Metric
    value: int | float | None = Field(
        description="The metric over the whole range; null for a mean or a share of nothing."
    )
    period: str | None
    start_date: int
    end_date: int
    site_id: str
    group_by: Group | OfRisk | None
    timezone: str
    breakdown: list[Part] = Field(description="For each group its value.")
    annotations: list[AnnotationTold] = Field(description="What was noted of the range, where it is told by times.")
    meta: Meta


class StatsResponse(BaseModel):
    """The answer."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    success: bool
    data: Stats
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.get("/stats", summary="A metric of a site", response_model=StatsResponse)
@kept()
async def stats(request: Request, key: Reader, parts: With, asked: Annotated[Asked, Query()]) -> Response:
    """One metric over a range of time, whole and, with `group_by`, in parts.

    Buckets of time are contiguous; those without events are 0. Users and sessions that are in several parts count in each,
    and once in the whole.
    """
    began = perf_counter()
    site = await found_site(parts, key, asked.site_id)
    zone = ZoneInfo(asked.timezone or site.timezone)
    start, end = span(asked.start_date, asked.end_date, asked.period, zone, now_ms())
    group = group_of(asked)
    times = begins(group, start, end, zone) if group in TIMES and group else []
    people = (await parts.people.of(site.id)).people
    query = question(asked, site.id, start, end, zone.key, people)
    which = narrowed(filter_of(query, asked.cohort or ""), asked.traffic)
    scope = Scope(site.id, start, end, zone.key, which, asked.bots, people=people)
    found, notes = await asyncio.gather(
        _found(request, parts, site, asked, query, scope, times), _noted(parts, scope, times)
    )
    data = {
        "metric": asked.metric,
        "value": found.value,
        "period": period_of(asked),
        "start_date": start,
        "end_date": end,
        "site_id": query.site_id,
        "group_by": query.group_by,
        "timezone": query.timezone,
        "breakdown": breakdown(query.group_by, found, times),
        "annotations": notes,
        "meta": {"source": found.source, "rows_read": found.rows_read, "ms": round((perf_counter() - began) * 1000, 2)},
    }
    body = _encode({"success": True, "data": data, "timestamp": now_ms()})
    return Response(body, media_type="application/json")


async def _noted(parts: With, scope: Scope, times: list[int]) -> list[dict[str, Any]]:
    return [each.model_dump() for each in await noted(parts, scope)] if times else []


async def _found(
    request: Request, parts: With, site: Site, asked: Asked, query: StatsQuery, scope: Scope, times: list[int]
) -> StatsAnswer:
    if not is_planned(asked):
        return await answered(request, parts, lambda client: answer(client, query, now_ms()))
    if asked.cohort:
        cohorts = await cohorts_of(parts, site, [asked.cohort], now_ms())
        if asked.cohort not in cohorts:
            raise BadParameter("cohort", f"there is no cohort {asked.cohort!r}")
        scope = replace(scope, cohorts=cohorts)
    metric = asked.metric if asked.metric in OF_SESSIONS else query.metric
    planned = question_of(query, metric, scope, times, asked.target_event or "")
    return told(planned, await answered(request, parts, lambda client: plan(client, planned)), metric)


def question(asked: Asked, site_id: str, start: int, end: int, timezone: str, people: str = "") -> StatsQuery:
    """What the store is asked."""
    return StatsQuery(
        site_id=site_id,
        metric="event_count" if asked.metric == BY_TYPE or asked.metric in OF_SESSIONS else asked.metric,  # type: ignore[arg-type]
        start_ms=start,
        end_ms=end,
        group_by=group_of(asked),
        events=tuple(asked.event),
        countries=tuple(asked.country),
        device_types=tuple(asked.device_type),
        timezone=timezone,
        bots=asked.bots,
        currency=asked.currency or "",
        people=people,
    )


def group_of(asked: Asked) -> Group | OfRisk | None:
    """By what an answer is told apart; raises BadParameter for what contradicts the metric."""
    if asked.metric != BY_TYPE:
        return asked.group_by
    if asked.group_by not in (None, "event"):
        raise BadParameter("group_by", f"{BY_TYPE} is grouped by event")
    return "event"


def is_planned(asked: Asked) -> bool:
    """Whether the planner answers; raises BadParameter for a target without its metric, or the other way round."""
    if (asked.target_event is None) == (asked.metric == "conversion_rate"):
        raise BadParameter("target_event", "goes together with the metric conversion_rate")
    is_of_some = asked.cohort is not None or asked.traffic != "all"
    return asked.metric in OF_SESSIONS or is_of_some or asked.group_by in OF_RISK


def period_of(asked: Asked) -> str | None:
    """The period that was asked for, or is meant where no time was named."""
    return asked.period or (None if asked.start_date else USUAL_PERIOD)


def breakdown(group: str | None, found: StatsAnswer, times: list[int]) -> list[Mapping[str, Any]]:
    """The parts of an answer; where they are times, all of them, with 0 where nothing was found."""
    if group is None:
        return []
    if group not in TIMES:
        return [{"key": key, "value": value} for key, value in found.breakdown]
    values: dict[int | str, Value] = dict.fromkeys(times, 0)
    values.update(found.breakdown)
    return [{"timestamp": begin, "value": values[begin]} for begin in sorted(values)]
