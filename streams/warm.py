"""Reading back what was seen: older ids from the store, the latest from refinement's own output, and where it goes on."""

import logging
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Message
from msgspec import Struct, json

from clickhouse.client import Client
from pulse.errors import PlaceError
from pulse.place import Place, place_of
from pulse.topics import EVENTS
from streams.broker import Broker
from streams.decode import UNDECODABLE
from streams.load import Wanted, load, moments_of
from streams.memory import Memory
from streams.seen import digest
from streams.standing import ask

MARGIN_MS = 600_000
"""How much further back is read than the window reaches, since collectors' clocks differ."""

log = logging.getLogger(__name__)


class _Known(Struct, gc=False):
    site_id: str
    event_id: str


class Source(NamedTuple):
    """Where it is read from: `log_id` is the raw log's, its ids are remembered for `window_ms`."""

    broker: Broker
    client: Client
    log_id: str
    window_ms: int


_known = json.Decoder(_Known)


def begin(memory: Memory, source: Source, partition: int, since_ms: int) -> None:
    """Fill a partition's new memory with what is stored since a moment, and note from where on the log is to be read.

    All that the sink says is stored is asked of the store, if it is there; else the log is read as far back as the
    window reaches. Blocks; raises Unavailable.
    """
    where = EVENTS, partition
    standing = ask(source.broker, source.client, source.log_id, [partition])[partition]
    memory.stored = standing.offset
    low, first = source.broker.begin_of(where, since_ms - MARGIN_MS)
    memory.position = first
    last = source.broker.at(where, standing.offset - 1) if standing.offset > first else None
    place = _place(last, source.log_id) if last is not None else None
    if place is None:
        return
    if (last and last.value()) and place.number > standing.place:
        log.warning("ClickHouse lacks what was committed: reading back", extra={"partition": partition})
        return
    wanted = _wanted(source, partition, since_ms, low, place)
    memory.position = standing.offset - 1
    load(source.client, memory.older, wanted)


def catch_up(memory: Memory, source: Source, partition: int, since_ms: int) -> int:
    """Bring a partition's memory to the end of what is written, from its position on; returns how many records were read.

    Blocks; raises Unavailable.
    """
    count, reached = 0, since_ms
    for message in source.broker.read((EVENTS, partition), memory.position or 0):
        count += 1
        reached = max(reached, message.timestamp()[1])
        _remember(memory, message, reached, source.log_id)
        offset = message.offset() or 0
        memory.position = offset + 1
        memory.delivered(offset, offset)
    return count


def _wanted(source: Source, partition: int, since_ms: int, low: int, end: Place) -> Wanted:
    """The stored ids of the log's own partition. Its own time says how old they are, as far as it reaches back."""
    moments = moments_of(since_ms, source.window_ms)
    firsts = source.broker.firsts((EVENTS, partition), moments[:-1])
    places = [place.number if (place := _place(message, source.log_id)) else 0 for message in firsts if message]
    oldest = firsts[0].offset() or 0 if firsts[0] else None
    reaches_back = oldest is not None and oldest > low
    is_young = oldest == low == 0
    return Wanted(
        source.log_id,
        partition,
        moments,
        places,
        first=places[0] if reaches_back else 0,
        end=end.number,
        since=0 if reaches_back or is_young else since_ms,
    )


def _remember(memory: Memory, message: Message, timestamp: int, log_id: str) -> None:
    ids = digests_in(message.value() or b"")
    place = _place(message, log_id)
    if place is not None and place.partition == message.partition():
        memory.written(place.offset, place.part, ids, timestamp)
    else:
        memory.remember(ids, timestamp)


def _place(message: Message, log_id: str) -> Place | None:
    """The place in the raw log of what a record was made of, None if it is of another log."""
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        return None
    return place if place.log == log_id else None


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
