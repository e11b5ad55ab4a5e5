"""An enriched event as it is shown: what the latest stored events show, and its path; no address, no user agent."""

import msgspec
from msgspec import Raw, Struct

from pulse import nesting
from pulse.event import MAX_NESTING

EMPTY = Raw(b"{}")


class Brief(Struct, gc=False):
    """What is counted of an event of `pulse.events`, which is little: most are counted and never shown."""

    event: str
    ts: int
    site_id: str
    visitor_id: str = ""
    path: str = ""
    bot: bool = False
    revenue: float = 0
    currency: str = ""


class Shown(Struct, gc=False):
    """An event of `pulse.events`. Times are ms since the epoch; its properties are the JSON that was sent."""

    event: str
    ts: int
    site_id: str
    event_id: str = ""
    received_at: int = 0
    visitor_id: str = ""
    user_id: str = ""
    session_id: str = ""
    url: str = ""
    path: str = ""
    referrer_host: str = ""
    channel: str = ""
    country: str = ""
    device_type: str = ""
    browser: str = ""
    os: str = ""
    bot: bool = False
    risk: int = 0
    risk_band: str = ""
    revenue: float = 0
    currency: str = ""
    properties: Raw = EMPTY


_decode = msgspec.json.Decoder(Shown).decode
_text = msgspec.json.Decoder(str).decode
_any = msgspec.json.Decoder(Raw).decode
encode = msgspec.json.Encoder().encode


def shown(line: bytes) -> Shown | None:
    """The event of a line of a record; None if it holds none."""
    try:
        event = _decode(line)
        if event.properties is not EMPTY:
            event.properties = _properties(event.properties)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return event


def again(text: bytes) -> Shown:
    """An event that `encode` wrote."""
    return _decode(text)


def property_of(event: Shown, name: str) -> str | None:
    """A property as text: `true`, `10`, `pro`; None if the event has none of this name that is one value."""
    try:
        found = msgspec.json.decode(event.properties, type=dict[str, Raw]).get(name)
    except msgspec.DecodeError:
        return None
    text = b"" if found is None else bytes(found)
    if text[:1] in (b"", b"{", b"["):
        return None
    return _text(text) if text[:1] == b'"' else text.decode()


def _properties(sent: Raw) -> Raw:
    """The object whose JSON the line carries as text; it stays text where it is nested too deeply to be read."""
    text = _text(sent).encode()
    if not nesting.is_within(text, MAX_NESTING):
        return Raw(bytes(sent))
    _any(text)
    return Raw(text)
