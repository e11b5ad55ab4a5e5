"""What is kept of an event and of a session: never an address of the network, a form's content, or a page's query."""

from collections.abc import Sequence

from msgspec import Struct, json

MOST_TEXT = 1024


class Recorded(Struct, kw_only=True, omit_defaults=True, gc=False):
    """An event of a session, as it is kept; `ts` in ms since the epoch, `url` without query and fragment."""

    event_id: str
    event: str
    ts: int
    session_id: str
    visitor_id: str = ""
    user_id: str = ""
    url: str = ""
    title: str = ""
    screen: str = ""
    element: str = ""
    x: float | None = None
    y: float | None = None
    scroll_percent: float | None = None
    engaged_ms: float | None = None


class Meta(Struct, kw_only=True, omit_defaults=True):
    """What is kept of a session once a day, when its first event of the day is written."""

    site_id: str
    session_id: str
    visitor_id: str = ""
    user_id: str = ""
    started_at: int = 0
    url: str = ""
    screen: str = ""
    device_type: str = ""
    browser: str = ""
    os: str = ""
    country: str = ""
    bot: bool = False


_encoder = json.Encoder()
_events = json.Decoder(list[Recorded])
_meta = json.Decoder(Meta)


def encode(events: Sequence[Recorded]) -> bytes:
    """Events as an object's content."""
    return _encoder.encode(events)


def decode(content: bytes) -> list[Recorded]:
    """The events of an object; raises msgspec.DecodeError for what is none."""
    return _events.decode(content)


def encode_meta(meta: Meta) -> bytes:
    """A session's own object."""
    return _encoder.encode(meta)


def decode_meta(content: bytes) -> Meta:
    """What `encode_meta` made; raises msgspec.DecodeError for anything else."""
    return _meta.decode(content)


def merged(pieces: Sequence[Sequence[Recorded]]) -> list[Recorded]:
    """The events of all pieces in the order of their time, each once, however often and in whatever order it was written."""
    once = {each.event_id: each for piece in pieces for each in piece}
    return sorted(once.values(), key=lambda each: (each.ts, each.event_id))
