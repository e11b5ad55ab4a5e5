"""Reading back what refinement has written: the ids it has seen, and where it goes on."""

from collections.abc import Iterable

from confluent_kafka import Message
from msgspec import Struct, json

from pulse.errors import PlaceError
from pulse.place import place_of
from pulse.topics import EVENTS
from streams.broker import Broker
from streams.decode import UNDECODABLE
from streams.memory import Memory
from streams.seen import digest

MARGIN_MS = 600_000
"""How much further back is read than the window reaches, since collectors' clocks differ."""


class _Known(Struct, gc=False):
    site_id: str
    event_id: str


_known = json.Decoder(_Known)


def catch_up(memory: Memory, broker: Broker, partition: int, log_id: str, since_ms: int) -> int:
    """Bring a partition's memory to the end of what is written, from `since_ms` on or from where it was read last.

    Returns how many records were read. Blocks; raises Unavailable.
    """
    where = EVENTS, partition
    low, begin = broker.begin_of(where, since_ms - MARGIN_MS)
    if memory.position is None:
        memory.began_inside = begin <= low
    start = begin if memory.position is None else max(begin, memory.position)
    count = 0
    reached = since_ms
    for message in broker.read(where, start):
        count += 1
        timestamp = message.timestamp()[1]
        if timestamp < since_ms:
            memory.began_inside = False
        reached = max(reached, timestamp)
        _remember(memory, message, reached, log_id)
        memory.position = (message.offset() or 0) + 1
    return count


def _remember(memory: Memory, message: Message, timestamp: int, log_id: str) -> None:
    ids = digests_in(message.value() or b"")
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        place = None
    if place is not None and place.log == log_id and place.partition == message.partition():
        memory.written(place.offset, place.part, ids, timestamp)
    else:
        memory.ids.add(ids, timestamp)


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
