"""Lines of `pulse.events` to what is kept of them."""

import re
from math import isfinite
from typing import Any, NamedTuple

from msgspec import DecodeError, Struct, json

from pulse.event import MAX_MS, SITE, UUID
from pulse.recordings.recorded import MOST_TEXT, Meta, Recorded

MARK = b'"session_id"'
_SITE, _ID = re.compile(SITE).fullmatch, re.compile(UUID).fullmatch


class Seen(Struct, gc=False):
    """An event as refinement writes it, as far as it matters here."""

    event: str
    event_id: str
    ts: int
    site_id: str
    session_id: str = ""
    consent: str = ""
    visitor_id: str = ""
    user_id: str = ""
    url: str = ""
    title: str = ""
    screen: str = ""
    device_type: str = ""
    browser: str = ""
    os: str = ""
    country: str = ""
    bot: bool = False
    properties: str = ""


class Played(Struct, gc=False):
    """The properties that are kept: where on the page, and how far."""

    element: str = ""
    x: float | None = None
    y: float | None = None
    scroll_percent: float | None = None
    engaged_ms: float | None = None


NOTHING = Played()

_line = json.Decoder(Seen)
_played = json.Decoder(Played)
_anything = json.Decoder()


class Taken(NamedTuple):
    """Of a record: what is to be kept, and how many events of it are of no session, declined, unreadable."""

    seen: list[Seen]
    sessionless: int
    declined: int
    unreadable: int


def take(value: bytes) -> Taken:
    """The events of a record that name a session and whose visitor has not said no. Never raises for what is in it."""
    if MARK not in value:
        return Taken([], value.count(b"\n"), 0, 0)
    found, unreadable = _decoded(value)
    of_sessions = [each for each in found if each.session_id]
    kept = [each for each in of_sessions if each.consent != "denied"]
    sound = [each for each in kept if _is_sound(each)]
    unreadable += len(kept) - len(sound)
    return Taken(sound, len(found) - len(of_sessions), len(of_sessions) - len(kept), unreadable)


def recorded(seen: Seen) -> Recorded:
    """What is kept of an event."""
    played = _properties(seen.properties) if seen.properties else NOTHING
    return Recorded(
        event_id=seen.event_id,
        event=seen.event,
        ts=seen.ts,
        session_id=seen.session_id,
        visitor_id=seen.visitor_id,
        user_id=seen.user_id,
        url=bare(seen.url),
        title=seen.title,
        screen=seen.screen,
        element=played.element[:MOST_TEXT],
        x=played.x,
        y=played.y,
        scroll_percent=played.scroll_percent,
        engaged_ms=played.engaged_ms,
    )


def meta_of(first: Seen) -> Meta:
    """What is kept of a session, by its first event of a day."""
    return Meta(
        site_id=first.site_id,
        session_id=first.session_id,
        visitor_id=first.visitor_id,
        user_id=first.user_id,
        started_at=first.ts,
        url=bare(first.url),
        screen=first.screen,
        device_type=first.device_type,
        browser=first.browser,
        os=first.os,
        country=first.country,
        bot=first.bot,
    )


def bare(url: str) -> str:
    """An address without query, fragment, and name and password before the host."""
    plain = url.partition("#")[0].partition("?")[0]
    scheme, mark, rest = plain.partition("//")
    if not mark or (scheme and not scheme.endswith(":")):
        return plain
    host, slash, path = rest.partition("/")
    return f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"


def _is_sound(seen: Seen) -> bool:
    """Whether names can be made of it: others may write to the log, and one line must not stop all."""
    return bool(_SITE(seen.site_id) and _ID(seen.event_id) and 0 <= seen.ts <= MAX_MS)


def _decoded(value: bytes) -> tuple[list[Seen], int]:
    try:
        return _line.decode_lines(value), 0
    except (DecodeError, UnicodeDecodeError):
        lines = [line for line in value.split(b"\n") if line.strip()]
        found = [each for each in map(_one, lines) if each is not None]
        return found, len(lines) - len(found)


def _one(line: bytes) -> Seen | None:
    try:
        return _line.decode(line)
    except (DecodeError, UnicodeDecodeError):
        return None


def _properties(text: str) -> Played:
    try:
        return _played.decode(text)
    except (DecodeError, UnicodeDecodeError):
        return _fitting(text)


def _fitting(text: str) -> Played:
    """Those properties that are what they are to be: the others are a site's own, and may be anything."""
    try:
        given = _anything.decode(text)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return NOTHING
    if not isinstance(given, dict):
        return NOTHING
    element = given.get("element")
    numbers = {name: _number(given.get(name)) for name in ("x", "y", "scroll_percent", "engaged_ms")}
    return Played(element if isinstance(element, str) else "", **numbers)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None
