"""Asking the store whether what a filter claims is so: many suspected events in one question."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from msgspec import Struct, json

from clickhouse.client import Client, Lines
from pulse import end
from pulse.errors import QueryError, Unavailable
from pulse.place import Place
from pulse.topics import DAY_MS
from streams.standing import Stored as Places
from streams.standing import stored_places

QUERY = Path(__file__).with_name("suspected.sql")
AT_ONCE = 1_000
STRUCTURE = "site_id String, event String, visitor_id String, event_id UUID, days Array(UInt16)"
LAST_DAY = 65_535
"""The last day that ClickHouse's dates reach."""

TRUSTED_S = 1.0
"""After so long without a word from ClickHouse it is asked again whether it still has what it had."""
HOUR_MS = 3_600_000

_encoder = json.Encoder()


class Suspected(Struct, gc=False):
    """Of a refined event what the store finds it by."""

    event: str
    event_id: str
    ts: int
    site_id: str
    received_at: int = 0
    visitor_id: str = ""


suspected = json.Decoder(Suspected).decode
"""Reads that from an event's line."""


class Origin(NamedTuple):
    """Where a stored event came from."""

    log: str
    partition: int
    place: int


Stored = Mapping[tuple[str, str], list[Origin]]
"""Of events by site and id, where those that are stored came from."""


def ask(client: Client, events: Sequence[Suspected], window_ms: int) -> Stored:
    """Which of some events are stored, as the same event of the same visitor. Raises Unavailable."""
    found = defaultdict(list)
    for some in _sliced(events):
        lines = Lines("suspected", STRUCTURE, _encoder.encode_lines([_line(event, window_ms) for event in some]))
        try:
            answer = client.among(QUERY, lines, max_threads=2)
        except QueryError as error:
            raise Unavailable(f"ClickHouse does not say which events it holds: {error}") from None
        for site_id, event_id, *origin in answer.rows:
            found[site_id, event_id].append(Origin(*origin))
    return found


def days_of(event: Suspected, window_ms: int) -> list[int]:
    """The days on which the same event may be stored, since the epoch.

    Its own, with an hour's tolerance, as the correction of a wrong clock may come out otherwise at a second try; and
    all on which it may have been received, as that is the time of what names none.
    """
    own = {(event.ts + change) // DAY_MS for change in (-HOUR_MS, 0, HOUR_MS)}
    received = range((event.received_at - window_ms) // DAY_MS, event.received_at // DAY_MS + 1)
    return sorted(day for day in own | set(received) if 0 <= day <= LAST_DAY)


def _line(event: Suspected, window_ms: int) -> dict[str, object]:
    return {
        "site_id": event.site_id,
        "event": event.event,
        "visitor_id": event.visitor_id,
        "event_id": event.event_id,
        "days": days_of(event, window_ms),
    }


def _sliced(events: Iterable[Suspected]) -> Iterator[list[Suspected]]:
    left = iter(events)
    while some := list(islice(left, AT_ONCE)):
        yield some


class Suspect(NamedTuple):
    """An event of record number `number` of some, from this place of a lane's log, that may have been seen."""

    number: int
    digest: bytes
    event: Suspected
    log: str
    partition: int
    offset: int


class Confirmation:
    """Asks which suspects are stored, of a store that has not lost what it had."""

    def __init__(self, client: Client, logs: Collection[str], window_ms: int) -> None:
        self._client = client
        self._logs = logs
        self._window = window_ms
        self._expected: Places = {}
        self._heard = monotonic()

    def expect(self, places: Places) -> None:
        """The store has these partitions of the logs up to these places."""
        self._expected.update(places)
        self._heard = monotonic()

    def ask(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """Those that are stored, from another place than their own. Blocks; raises Unavailable."""
        found = ask(self._client, [suspect.event for suspect in suspects], self._window)
        confirmed = [suspect for suspect in suspects if self._is_earlier(suspect, found)]
        if len(confirmed) < len(suspects) and monotonic() - self._heard > TRUSTED_S:
            self._look()
        return confirmed

    def _is_earlier(self, suspect: Suspect, found: Stored) -> bool:
        source = suspect.log, suspect.partition
        own = Place(*source, suspect.offset).number
        origins = found.get((suspect.event.site_id, suspect.event.event_id), [])
        return any((log, n) != source or place < own for log, n, place in origins)

    def _look(self) -> None:
        """A store that was emptied knows nothing of what is suspected: then all is read back from the log."""
        places = stored_places(self._client, self._logs)
        if any(places.get(where, -1) < place for where, place in self._expected.items()):
            end.at_once("ClickHouse has less than it had: reading back from the log what was seen")
        self._heard = monotonic()
