"""Whose event it is: its site, its own id, its visitor."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b, sha256
from uuid import UUID

from xxhash import xxh3_128_hexdigest

from pulse.event import SITE, RefinedEvent
from pulse.mode import SECURITY, SIGNALS
from pulse.rejection import Reason
from pulse.topics import DAY_MS
from streams.steps.step import Arrival, Many, Refusal, Step

NO_MODES: Mapping[str, str] = {}
_NO_SITE = Refusal(Reason.no_site, "site_id", "the record names no site")
_SITE = re.compile(SITE + r"\Z")


def drop_without_site(event: RefinedEvent, arrival: Arrival) -> Refusal | None:
    """Only what was produced straight to the log can lack a site, or name one that cannot be."""
    if _is_site(event.site_id):
        return None
    return Refusal(Reason.invalid, "site_id", "not a site's id") if event.site_id else _NO_SITE


def have_sites(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """Whether none of many is dropped for that."""
    return all(map(_is_site, {event.site_id for event in events}))


@lru_cache(maxsize=8_192)
def _is_site(site_id: str) -> bool:
    return _SITE.match(site_id) is not None


def put_event_id(event: RefinedEvent, arrival: Arrival) -> None:
    """An event without an id gets one that follows from its place, so that refining it again gives the same."""
    if event.event_id is None:
        place = f"{arrival.log}:{arrival.partition}:{arrival.offset}:{arrival.index}"
        event.event_id = str(UUID(hex=xxh3_128_hexdigest(place.encode())))
    else:
        event.event_id = event.event_id.lower()


def put_event_ids(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """The same of many; mostly all ids are there, and in small letters."""
    ids = [event.event_id for event in events]
    if None in ids or not "".join(ids).islower():  # type: ignore[arg-type]
        for event, index in zip(events, arrival.indexes, strict=True):
            arrival.index = index
            put_event_id(event, arrival)
    return True


def put_visitor(secret: str, modes: Mapping[str, str] = NO_MODES) -> Step:
    """A visitor without an id gets one from address and user agent, under a key that changes every day (UTC).

    Where a site keeps signals of the device for security alone, those that nobody agreed to get another one than all else of the
    same visitor: they are tied to nobody.
    """
    key = sha256(secret.encode()).digest()

    @lru_cache(maxsize=64)
    def salt(day: int) -> bytes:
        return blake2b(b"visitors of day %d" % day, key=key).digest()

    def put(event: RefinedEvent, arrival: Arrival) -> None:
        if event.visitor_id or not (event.ip or event.user_agent):
            return
        seen = f"{event.site_id}\0{event.ip}\0{event.user_agent}".encode()
        if event.event == SIGNALS and event.consent is None and modes.get(event.site_id) == SECURITY:
            seen = b"\0" + seen
        event.visitor_id = blake2b(seen, key=salt(event.ts // DAY_MS), digest_size=16).hexdigest()  # type: ignore[operator]

    return put


def put_visitors(put: Step) -> Many:
    """That step over many, most of which have a visitor."""

    def put_all(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        for event in events:
            if not event.visitor_id:
                put(event, arrival)
        return True

    return put_all
