"""The bodies of /track/…, each field with its limits."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from pulse.event import (
    MAX_PROPERTIES,
    MAX_PROPERTY_NAME,
    UUID,
    Address,
    Identity,
    Label,
    Moment,
    Text,
    Word,
)

MAX_BATCH = 100
"""Events of one request to /track/events/batch."""

_Given = Annotated[str, Meta(min_length=1, max_length=200)]
_Page = Annotated[str, Meta(min_length=1, max_length=4096, description="The page's address, or its path.")]
_Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
_Name = Annotated[str, Meta(max_length=MAX_PROPERTY_NAME)]
_Time = Annotated[
    Moment, Meta(description="When it happened: ms since the epoch, or an ISO 8601 time. Now if missing.")
]


class Device(Struct):
    """What a browser says of its device."""

    user_agent: Text = ""
    language: Word = ""
    platform: Word = ""
    hardware_concurrency: _Number | None = None
    device_memory: _Number | None = None


class Screen(Struct):
    """The visitor's screen."""

    width: _Number | None = None
    height: _Number | None = None
    color_depth: _Number | None = None
    pixel_ratio: _Number | None = None


class SessionStart(Struct):
    """The body of /track/session/start."""

    fingerprint_id: Annotated[_Given, Meta(description="The device's fingerprint.")]
    page: _Page
    visitor_id: Annotated[Identity, Meta(description="Follows from the fingerprint if missing.")] | None = None
    referrer: Address | None = None
    device_info: Device | None = None
    screen: Screen | None = None


class Happening(Struct):
    """The body of /track/event, and each event of a batch."""

    event_type: Annotated[_Given, Meta(description="`page_view`, `click`, `scroll`, `mousemove`, `navigation`, ….")]
    session_id: Annotated[_Given, Meta(description="As /track/session/start answered.")] | None = None
    visitor_id: Annotated[Identity, Meta(description="As /track/session/start answered.")] | None = None
    event_id: (
        Annotated[str, Meta(pattern=UUID, description="The same id again is the same event. Made if missing.")] | None
    ) = None
    timestamp: _Time | None = None
    page: _Page | None = None
    x: _Number | None = None
    y: _Number | None = None
    element: Label | None = None
    scroll_percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    metadata: Annotated[dict[_Name, Any], Meta(max_length=MAX_PROPERTIES - 4)] | None = None


class SessionEnd(Struct):
    """The body of /track/session/end."""

    session_id: Annotated[_Given, Meta(description="As /track/session/start answered.")]
    exit_page: _Page | None = None
    visitor_id: Annotated[Identity, Meta(description="As /track/session/start answered.")] | None = None
    timestamp: _Time | None = None


class Started(Struct):
    """The answer of /track/session/start; the time is in ms since the epoch."""

    session_id: str
    visitor_id: str
    device_id: str
    timestamp: int


class Stored(Struct):
    """The answer of /track/event."""

    event_id: str
    timestamp: int


class Ended(Struct):
    """The answer of /track/session/end; the time is in ms since the epoch."""

    session_id: str
    ended_at: int
