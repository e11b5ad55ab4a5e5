"""Recordings as they are asked for and answered."""

from datetime import date
from typing import Annotated, Literal

from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.query.word import Reference, WithoutNul
from pulse.recordings.reading import Summary
from pulse.recordings.recorded import Recorded

MOST_SESSIONS, USUAL_SESSIONS = 100, 50
MOST_EVENTS, USUAL_EVENTS = 10_000, 1_000
MOST_OFFSET = 1_000_000

Named = Annotated[str, StringConstraints(min_length=1, max_length=200), WithoutNul]


class _OfSite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    offset: int = Field(0, ge=0, le=MOST_OFFSET, description="How many to pass over, as `next_offset` says.")


class AskedSessions(_OfSite):
    """Which sessions are listed."""

    visitor_id: Named | None = Field(None, description="Only those that this visitor began.")
    before: date | None = Field(
        None,
        description="Only what was before this day (UTC): the days since are not looked at, as where they are many.",
    )
    limit: int = Field(USUAL_SESSIONS, ge=1, le=MOST_SESSIONS, description="How many to list at most.")
    sort: Literal["started_at_desc"] = Field("started_at_desc", description="Those that began last come first.")


class AskedSession(_OfSite):
    """Which part of a session is told."""

    limit: int = Field(USUAL_EVENTS, ge=1, le=MOST_EVENTS, description="How many events to tell at most.")


class SessionRecord(BaseModel):
    """A session in the list. Times are ms since the epoch; what is unknown is empty."""

    site_id: str
    session_id: str
    visitor_id: str
    user_id: str
    started_at: int = Field(description="Its first event that is kept.")
    ended_at: int = Field(description="Its last.")
    url: str = Field(description="The first page, without its query.")
    screen: str
    device_type: str
    browser: str
    os: str
    country: str
    bot: bool
    bytes: int = Field(description="How much of the store it takes.")


class SessionPage(BaseModel):
    """Some sessions. `next_offset` asks for the next; it is null on the last."""

    data: list[SessionRecord]
    limit: int
    offset: int
    next_offset: int | None


class RecordedEvent(BaseModel):
    """What a session did at a moment. What an event has not is empty or null."""

    event_id: str
    event: str
    ts: int = Field(description="When, in ms since the epoch.")
    visitor_id: str
    user_id: str
    url: str = Field(description="The page, without its query.")
    title: str
    screen: str
    element: str = Field(description="What was clicked, as a selector.")
    x: float | None = Field(description="Where on the page, in its pixels.")
    y: float | None
    scroll_percent: float | None = Field(description="How far of the page was seen, 0 to 100.")
    engaged_ms: float | None


class SessionEvents(BaseModel):
    """A session, in the order of its time. `next_offset` asks for the next events; it is null with the last."""

    site_id: str
    session_id: str
    started_at: int
    ended_at: int
    total: int = Field(description="How many events it has.")
    truncated: bool = Field(
        description="Whether there are more after these that are not told: a session of more than 16 MB."
    )
    data: list[RecordedEvent]
    limit: int
    offset: int
    next_offset: int | None


def session_told(found: Summary) -> SessionRecord:
    """A session as it is listed."""
    given = structs.asdict(found.meta) | {"started_at": found.span.first, "ended_at": found.span.last}
    return SessionRecord(**given, bytes=found.span.size)


def event_told(found: Recorded) -> RecordedEvent:
    """An event as it is answered."""
    return RecordedEvent.model_validate({n: v for n, v in structs.asdict(found).items() if n != "session_id"})


def next_offset(offset: int, limit: int, more: bool) -> int | None:
    """Where the next page begins."""
    return offset + limit if more else None
