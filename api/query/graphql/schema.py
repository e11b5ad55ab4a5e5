"""The graph: counts of events and users of a site, by event and by day, and its latest events."""

from collections.abc import Callable
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension, MaskErrors, MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from api.query.adapted.adapt import day
from api.query.graphql.place import OF_EVENT, OF_SITE, OF_TIME, Placed
from api.query.graphql.question import Asking, Place

DEEPEST = 6
MOST_ALIASES = 15
MOST_TOKENS = 500
TOP = 10

Count = NewType("Count", int)
"""A number of events or users, which may well be beyond the 32 bits that an Int of GraphQL has."""


def told(description: str, place: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], StrawberryField]:
    """A field that is asked, what it says of itself, and by which arguments it is told its place, if it takes one."""
    extensions: list[FieldExtension] = [Placed(place)] if place else []
    return lambda resolver: strawberry.field(resolver, description=description, extensions=extensions)


@strawberry.type
class EventCount:
    """How often an event happened."""

    event_name: str
    count: Count


@strawberry.type
class DayCount:
    """A local day, and how many events or users it had."""

    date: str
    count: Count


@strawberry.type
class Event:
    """A stored event."""

    event_id: str
    event_name: str
    timestamp: float = strawberry.field(description="When it happened, ms since the epoch.")
    user_id: str
    visitor_id: str
    session_id: str
    url: str
    country: str
    device_type: str
    properties: JSON


@strawberry.type(description="What there was at a site in a time.")
class Metrics:
    """Each field is asked where it is wanted."""

    place: strawberry.Private[Place]

    @told("How many events.")
    async def total_events(self, info: Info[Asking]) -> Count:
        """`events` of `POST /api/v1/query`."""
        return await _total(info.context, self.place, "events")

    @told("How many users: people where known, else visitors.")
    async def total_users(self, info: Info[Asking]) -> Count:
        """`users` of the same."""
        return await _total(info.context, self.place, "users")

    @told("The most frequent events.")
    async def top_events(self, info: Info[Asking], limit: int = TOP) -> list[EventCount]:
        """By event."""
        return await _by_event(info.context, self.place, limit)


@strawberry.type
class Query:
    """What may be asked."""

    @told("Several numbers of a site.", OF_TIME)
    def metrics(self, place: Place) -> Metrics:
        """Nothing is asked yet."""
        return Metrics(place=place)

    @told("How many events there were.", OF_TIME)
    async def total_events(self, info: Info[Asking], place: Place) -> Count:
        """`events` of `POST /api/v1/query`."""
        return await _total(info.context, place, "events")

    @told("How often each event happened, the most frequent first.", OF_EVENT)
    async def event_counts(self, info: Info[Asking], place: Place, limit: int = 20) -> list[EventCount]:
        """By event."""
        return await _by_event(info.context, place, limit)

    @told("How many users each local day had.", OF_TIME)
    async def daily_active_users(self, info: Info[Asking], place: Place) -> list[DayCount]:
        """By day."""
        return await _by_day(info.context, place, "users")

    @told("How many events each local day had.", OF_EVENT)
    async def event_counts_over_time(self, info: Info[Asking], place: Place) -> list[DayCount]:
        """By day."""
        return await _by_day(info.context, place, "events")

    @told("The latest events of the last day.", OF_SITE)
    async def recent_events(self, info: Info[Asking], place: Place, limit: int = TOP) -> list[Event]:
        """`GET /api/v1/events/recent`."""
        found = await info.context.report("GET", "/events/recent", place.question(info.context, limit=limit))
        return [_event(each) for each in found["data"]]


def _is_ours(error: GraphQLError) -> bool:
    """Whether an error says what it is itself: a faulty question, or a refusal; others are a fault of Pulse."""
    return error.original_error is None or isinstance(error.original_error, GraphQLError)


schema = strawberry.Schema(
    Query,
    config=StrawberryConfig(scalar_map={Count: strawberry.scalar(name="Count", serialize=int, parse_value=int)}),
    extensions=[
        lambda: QueryDepthLimiter(max_depth=DEEPEST),
        lambda: MaxAliasesLimiter(max_alias_count=MOST_ALIASES),
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        lambda: MaskErrors(lambda error: not _is_ours(error), "this is a fault of Pulse"),
    ],
)


async def _total(asking: Asking, place: Place, metric: str) -> Count:
    found = await asking.report("POST", "/query", place.question(asking, metrics=[metric]))
    return Count(found["totals"][metric])


async def _by_event(asking: Asking, place: Place, limit: int) -> list[EventCount]:
    question = place.question(asking, metrics=["events"], breakdown=["event"], limit=limit)
    found = await asking.report("POST", "/query", question)
    return [
        EventCount(event_name=row["dimensions"]["event"], count=Count(row["metrics"]["events"]))
        for row in found["rows"]
    ]


async def _by_day(asking: Asking, place: Place, metric: str) -> list[DayCount]:
    question = place.question(asking, metrics=[metric], granularity="day")
    found = await asking.report("POST", "/query", question)
    return [
        DayCount(date=day(row["time"], found["timezone"]), count=Count(row["metrics"][metric])) for row in found["rows"]
    ]


def _event(found: dict[str, Any]) -> Event:
    return Event(
        event_id=found["event_id"],
        event_name=found["event"],
        timestamp=found["ts"],
        user_id=found["user_id"],
        visitor_id=found["visitor_id"],
        session_id=found["session_id"],
        url=found["url"],
        country=found["country"],
        device_type=found["device_type"],
        properties=found["properties"],
    )
