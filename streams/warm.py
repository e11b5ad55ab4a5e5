"""Reading back what was seen: older ids from the store, the latest from refinement's own output, and where it goes on."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import Message
from msgspec import Struct, json

from clickhouse.client import Client
from pulse.errors import PlaceError
from pulse.place import Place, place_of
from pulse.topics import EVENTS, REFINING
from streams.broker import Broker
from streams.decode import UNDECODABLE
from streams.devices import KEPT_MS
from streams.ledger import is_last
from streams.load import Wanted, load, moments_of
from streams.memory import Memory
from streams.met_before import load_devices
from streams.record import told
from streams.seen import digest
from streams.standing import Standing, ask
from streams.unread import Heads

MARGIN_MS = 600_000
"""How much further back is read than the window reaches, since collectors' clocks differ."""

log = logging.getLogger(__name__)


class _Known(Struct, gc=False):
    site_id: str
    event_id: str


class Source(NamedTuple):
    """Where it is read from: `logs` has the id of each lane's topic, what came by them is remembered for `window_ms`."""

    broker: Broker
    client: Client
    logs: Mapping[str, str]
    window_ms: int

    @property
    def ids(self) -> list[str]:
        """The ids of the lanes."""
        return list(self.logs.values())


_known = json.Decoder(_Known)


def begin(memory: Memory, source: Source, partition: int, since_ms: int, oldest_ms: int) -> None:
    """Fill a partition's new memory with what is stored since a moment, and note from where on the log is to be read.

    All that the sink says is stored is asked of the store, if it is there; else the log is read as far back as the
    window reaches. How far the store is says the store: the last record before that offset may be a late repetition of an early one,
    by a worker that had been frozen. Where devices were seen is asked for as far back as it counts for what was received at `oldest_ms`, after it is known how far is stored,
    that nothing lies between; not where the log is read as far back.
    Blocks; raises Unavailable.
    """
    where = EVENTS, partition
    standing = ask(source.broker, source.client, source.ids, [partition])[partition]
    memory.stored = standing.offset
    low, first = source.broker.begin_of(where, min(since_ms, oldest_ms - KEPT_MS) - MARGIN_MS)
    memory.position = first
    last = source.broker.at(where, standing.offset - 1) if standing.offset > first else None
    place = _stored(last, source, standing, partition) if last is not None else None
    if place is not None or first == low:
        load_devices(source.client, memory.devices, partition, oldest_ms - KEPT_MS, since_ms + source.window_ms)
    if place is None:
        return
    memory.position = standing.offset - 1
    moments = moments_of(since_ms, source.window_ms)
    firsts = source.broker.firsts(where, moments[:-1])
    for log_id, stored in standing.places.items():
        wanted = _wanted(Lane(log_id, source, partition), since_ms, low, stored + 1, firsts)
        load(source.client, memory.older, wanted)


def _stored(last: Message, source: Source, standing: Standing, partition: int) -> Place | None:
    """The place of the last record that the sink says is stored; None where the store does not have it, or it has none."""
    place = _place(last, source)
    if place is not None and last.value() and place.number > standing.places[place.log]:
        log.warning("ClickHouse lacks what was committed: reading back", extra={"partition": partition})
        return None
    return place


def catch_up(memory: Memory, source: Source, partition: int, since_ms: int) -> int:
    """Bring a partition's memory to the end of what is written, from its position on; returns how many records were read.

    Blocks; raises Unavailable.
    """
    count, reached = 0, since_ms
    for message in source.broker.read((EVENTS, partition), memory.position or 0):
        count += 1
        reached = max(reached, message.timestamp()[1])
        _remember(memory, message, reached, source)
        offset = message.offset() or 0
        memory.position = offset + 1
        memory.delivered(offset, offset)
    return count


class Lane(NamedTuple):
    """One partition of one lane, by its log's id."""

    log_id: str
    source: Source
    partition: int


def _wanted(lane: Lane, since_ms: int, low: int, end: int, firsts: Sequence[Message | None]) -> Wanted:
    """The stored ids of a lane's own partition up to a place.

    The log's own time says how old they are, as far as it reaches back: `firsts` are the first records of each part of
    the window. Where such a record came by another lane, this one's part is taken to begin where the part before it did:
    what is remembered for too long is no harm.
    """
    places: list[int] = []
    for message in firsts:
        place = _place(message, lane.source) if message else None
        is_own = place is not None and place.log == lane.log_id
        places += [place.number if place and is_own else (places or [0])[-1]] if message else []
    oldest = firsts[0].offset() or 0 if firsts[0] else None
    reaches_back = oldest is not None and oldest > low and places[0] > 0
    is_young = oldest == low == 0
    return Wanted(
        [lane.log_id],
        lane.partition,
        moments_of(since_ms, lane.source.window_ms),
        places,
        first=places[0] if reaches_back else 0,
        end=end,
        since=0 if reaches_back or is_young else since_ms,
    )


def heads(source: Source, partition: int) -> Heads:
    """Of each lane of a partition the first record that is not acknowledged, if there is one.

    Blocks; raises Unavailable.
    """
    found = {}
    for topic, group in REFINING.items():
        where = topic, partition
        message = source.broker.at(where, source.broker.starts(group, [where])[where])
        if message is not None:
            found[where] = told(message)
    return found


def _remember(memory: Memory, message: Message, timestamp: int, source: Source) -> None:
    ids = digests_in(message.value() or b"")
    memory.devices.read(message.value() or b"", message.timestamp()[1])
    place = _place(message, source)
    if place is not None and place.partition == message.partition():
        memory.written(place.offset, place.part, ids, timestamp, place.log, is_last(message.headers()))  # type: ignore[arg-type]
    else:
        memory.remember(ids, timestamp)


def _place(message: Message, source: Source) -> Place | None:
    """The place in a lane's log of what a record was made of, None if it is of another log."""
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        return None
    return place if place.log in source.ids else None


def digests_in(value: bytes) -> list[bytes]:
    """What is remembered of the events of a record; a line that is none is passed over."""
    try:
        return [digest(e.site_id, e.event_id) for e in _known.decode_lines(value)]
    except UNDECODABLE:
        return [digest(e.site_id, e.event_id) for e in _one_by_one(value.split(b"\n"))]


def _one_by_one(lines: Iterable[bytes]) -> Iterable[_Known]:
    for line in lines:
        try:
            yield _known.decode(line)
        except UNDECODABLE:
            continue
