"""Which events yield to others: those of imports and of floods go to the log by a lane of their own.

They are accepted like all others, and come later. What yields is told by the request, which may ask for it; by the
age of an event that only a key which may import can send; and by floods.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from api.collector.decode import Incoming
from api.collector.flood import NOBODY, Floods, Visitors, own_of
from api.collector.stamp import Receipt

HEADER = b"pulse-lane"
SLOW = b"slow"
OLD_MS = 3_600_000
"""An event of an importing key that is older than this is history: nobody waits for it."""


class Reason(StrEnum):
    """Why events yield."""

    ASKED = "asked"
    OLD = "old"
    SITE = "site"
    VISITOR = "visitor"


class Some(NamedTuple):
    """Events of a request, and the index of each in it."""

    events: Sequence[Incoming]
    indexes: Sequence[int]


class Parted(NamedTuple):
    """Events that yield to nobody, and those that do."""

    live: Some
    slow: Mapping[Reason, Some]


NONE = Some((), ())


def is_asked(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request asks to yield."""
    return headers.get(HEADER, b"").strip().lower() == SLOW


def part(some: Some, receipt: Receipt, floods: Floods, now: float) -> Parted:
    """Part the events of a request, received at `now` in seconds of the clock of `floods`."""
    events = some.events
    if receipt.yields:
        return Parted(NONE, {Reason.ASKED: some})
    if floods.is_site(receipt.site_id, len(events), now):
        return Parted(NONE, {Reason.SITE: some})
    flooding = floods.visitors(receipt.site_id, events, now)
    oldest = receipt.received_at - OLD_MS if receipt.imports else None
    if flooding is NOBODY and (oldest is None or all(event.ts >= oldest for event in events)):  # type: ignore[operator]
        return Parted(some, {})
    return _one_by_one(some, flooding, oldest or 0)


def _one_by_one(some: Some, flooding: Visitors, oldest: int) -> Parted:
    parts: dict[Reason | None, tuple[list[Incoming], list[int]]] = {}
    for event, index in zip(some.events, some.indexes, strict=True):
        reason = _reason(event, flooding, oldest)
        events, indexes = parts.setdefault(reason, ([], []))
        events.append(event)
        indexes.append(index)
    live = parts.pop(None, ([], []))
    return Parted(Some(*live), {reason: Some(*each) for reason, each in parts.items() if reason})


def _reason(event: Incoming, flooding: Visitors, oldest: int) -> Reason | None:
    if event.ts < oldest:  # type: ignore[operator]
        return Reason.OLD
    return Reason.VISITOR if flooding and own_of(event) in flooding else None
