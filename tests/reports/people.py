"""Who is behind which visitor, told by hand: events one after another, the first word on a visitor that counts stays."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import structs

from tests.reports.events import Event

Struck = Iterable[tuple[str, str]]
"""Visitors and the persons who do not count behind them; an empty person stands for all."""


def behind(events: Iterable[Event], struck: Struck = ()) -> dict[str, str]:
    """The person behind each visitor of one site."""
    gone = set(struck)
    found: dict[str, str] = {}
    for event in sorted(events, key=lambda each: (each.ts, UUID(each.event_id).int)):
        if event.event not in ("identify", "alias") or not event.user_id:
            continue
        previous = event.property("previous_id") if event.event == "alias" else None
        visitor = previous if isinstance(previous, str) and previous else event.visitor_id
        if visitor and not gone & {(visitor, event.user_id), (visitor, "")}:
            found.setdefault(visitor, event.user_id)
    return found


def as_users(events: Sequence[Event], known: Mapping[str, str]) -> list[Event]:
    """The events as if the person had been signed in all along."""
    return [structs.replace(each, user_id=each.user_id or known.get(each.visitor_id, "")) for each in events]


def as_visitors(events: Sequence[Event], known: Mapping[str, str]) -> list[Event]:
    """The events as if the person had one device; whom the event names makes no difference."""
    devices = {visitor: f"\0{person}" for visitor, person in known.items()}
    return [structs.replace(each, visitor_id=devices.get(each.visitor_id, each.visitor_id)) for each in events]
