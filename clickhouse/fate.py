"""What became of one event of a site: stored, collapsed with a later repetition, rejected, or unknown to the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from clickhouse.client import Client
from pulse.clock import to_ms
from pulse.event import MAX_MS
from pulse.place import Place, place_at
from pulse.topics import DAY_MS

Outcome = Literal["stored", "collapsed", "rejected", "unknown"]


@dataclass(frozen=True)
class Stored:
    """A row of the event: when it happened and was received, in ms since the epoch, and its place in the raw log."""

    event: str
    ts: int
    received_at: int
    visitor_id: str
    place: Place


@dataclass(frozen=True)
class Rejected:
    """A refusal of it: the reason, the field at fault, what was wrong, and by whom."""

    reason: str
    field: str
    detail: str
    by: Literal["refine", "sink"]
    received_at: int
    stored_at: int
    place: Place


@dataclass(frozen=True)
class Fate:
    """The rows and refusals, the first received first; `repetitions` is how many the site's ledger counted since.

    That is within the window of deduplication after the event was received: of all of the site's events.
    """

    stored: tuple[Stored, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    repetitions: int = 0

    @property
    def outcome(self) -> Outcome:
        """In a word; rows of the same name, time and visitor collapse into the last of them when ClickHouse merges."""
        if len({(row.event, row.ts, row.visitor_id) for row in self.stored}) < len(self.stored):
            return "collapsed"
        return "stored" if self.stored else "rejected" if self.rejected else "unknown"


def find(client: Client, site_id: str, event_id: UUID, window_ms: int) -> Fate:
    """The fate of an event; raises as Client.query does."""
    stored = next((rows for span in spans(event_id) if (rows := _stored(client, site_id, event_id, *span))), ())
    asked = {"site": site_id, "id": str(event_id)}
    rejected = tuple(_refusal(*row) for row in client.query("fate/rejected", asked).rows)
    if not stored:
        return Fate(rejected=rejected)
    start = stored[0].received_at
    during = {"site": site_id, "start": start, "end": start + window_ms}
    return Fate(stored, rejected, int(client.query("fate/repetitions", during).rows[0][0]))


def spans(event_id: UUID) -> Iterator[tuple[int, int]]:
    """Where to look, one span of ms after the other: around the time that a UUIDv7 carries, then everywhere.

    The store is sorted by day, not by id.
    """
    made = event_id.int >> 80
    if event_id.version == 7 and made < MAX_MS:
        yield made - DAY_MS, made + DAY_MS
    yield 0, MAX_MS + 1


def _stored(client: Client, site_id: str, event_id: UUID, start: int, end: int) -> tuple[Stored, ...]:
    asked = {"site": site_id, "id": str(event_id), "start": start, "end": end}
    return tuple(_row(*row) for row in client.query("fate/stored", asked).rows)


def _row(event: str, ts: Any, received_at: Any, visitor_id: str, log: str, partition: int, number: int) -> Stored:
    return Stored(event, to_ms(ts), to_ms(received_at), visitor_id, place_at(log, partition, number))


def _refusal(
    reason: str,
    field: str,
    detail: str,
    stage: str,
    received_at: Any,
    stored_at: Any,
    log: str,
    partition: int,
    at: int,
) -> Rejected:
    by: Literal["refine", "sink"] = "refine" if stage == "refine" else "sink"
    return Rejected(reason, field, detail, by, to_ms(received_at), to_ms(stored_at), place_at(log, partition, at))
