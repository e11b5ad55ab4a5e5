"""Asking the store whether what a filter claims is so: many suspected events in one question."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from msgspec import json

from clickhouse.client import Client, Lines
from pulse.errors import QueryError, Unavailable
from pulse.event import RefinedEvent
from pulse.topics import DAY_MS

QUERY = Path(__file__).with_name("suspected.sql")
AT_ONCE = 1_000
STRUCTURE = "site_id String, event String, visitor_id String, event_id UUID, days Array(UInt16)"
LAST_DAY = 65_535
"""The last day that ClickHouse's dates reach."""

HOUR_MS = 3_600_000

_encoder = json.Encoder()


class Origin(NamedTuple):
    """Where a stored event came from."""

    log: str
    partition: int
    place: int


Stored = Mapping[tuple[str, str], list[Origin]]
"""Of events by site and id, where those that are stored came from."""


def ask(client: Client, suspected: Sequence[RefinedEvent], window_ms: int) -> Stored:
    """Which of some events are stored, as the same event of the same visitor. Raises Unavailable."""
    found = defaultdict(list)
    for some in _sliced(suspected):
        lines = Lines("suspected", STRUCTURE, _encoder.encode_lines([_line(event, window_ms) for event in some]))
        try:
            answer = client.among(QUERY, lines, max_threads=2)
        except QueryError as error:
            raise Unavailable(f"ClickHouse does not say which events it holds: {error}") from None
        for site_id, event_id, *origin in answer.rows:
            found[site_id, event_id].append(Origin(*origin))
    return found


def days_of(event: RefinedEvent, window_ms: int) -> list[int]:
    """The days on which the same event may be stored, since the epoch.

    Its own, with an hour's tolerance, as the correction of a wrong clock may come out otherwise at a second try; and
    all on which it may have been received, as that is the time of what names none.
    """
    ts: int = event.ts or 0  # type: ignore[assignment]
    own = {(ts + change) // DAY_MS for change in (-HOUR_MS, 0, HOUR_MS)}
    received = range((event.received_at - window_ms) // DAY_MS, event.received_at // DAY_MS + 1)
    return sorted(day for day in own | set(received) if 0 <= day <= LAST_DAY)


def _line(event: RefinedEvent, window_ms: int) -> dict[str, object]:
    return {
        "site_id": event.site_id,
        "event": event.event,
        "visitor_id": event.visitor_id or "",
        "event_id": event.event_id,
        "days": days_of(event, window_ms),
    }


def _sliced(events: Iterable[RefinedEvent]) -> Iterator[list[RefinedEvent]]:
    left = iter(events)
    while some := list(islice(left, AT_ONCE)):
        yield some
