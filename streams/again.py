"""After a restart: the aggregates of what had been written, but perhaps not rolled up."""

from itertools import islice
from typing import NamedTuple

from confluent_kafka import Message

from pulse.errors import PlaceError
from pulse.place import Place, place_of
from pulse.topics import EVENTS
from streams.record import Made, Taken
from streams.rollup import rollup
from streams.warm import Source

MARGIN_MS = 1_000
FURTHER = 8
AT_ONCE = 200
"""Records of events that are rolled up again at a time."""


class Again(NamedTuple):
    """Some of the aggregates, and where in `pulse.events` to go on; None once that is its end."""

    made: list[Made]
    position: int | None


def begin(source: Source, first: Taken) -> int:
    """Where in `pulse.events` the output of a raw record, and of those after it, begins at the latest. Raises Unavailable.

    What is made of a raw record has its timestamp, so that it lies at or behind the first record of that time. That may
    be far back where its lane is late: so it is looked for from the end, by what is there of the lane.
    """
    where = EVENTS, first.partition
    low = source.broker.begin_of(where, first.timestamp - MARGIN_MS)[1]
    end, reach = source.broker.ends([where])[where], AT_ONCE
    while end - reach > low:
        if _begins_before(source, first, end - reach):
            return end - reach
        reach *= FURTHER
    return low


def _begins_before(source: Source, first: Taken, position: int) -> bool:
    """Whether the first record from a position on that came by the same lane came before, or is the first part of the same."""
    for message in source.broker.read((EVENTS, first.partition), position):
        place = _place(message, source, first)
        if place is not None:
            return (place.offset, place.part) <= (first.offset, 0)
    return False


def again(source: Source, first: Taken, position: int, partitions: int) -> Again:
    """Roll up again what was made of a raw record and of those after it, of the same partition. Raises Unavailable.

    Acknowledged is only what has been rolled up, and the sink passes over places that it has: so repeating it is
    needed, and does no harm.
    """
    made: list[Made] = []
    read = list(islice(source.broker.read((EVENTS, first.partition), position), AT_ONCE))
    for message in read:
        place = _place(message, source, first)
        if place is not None and place.offset >= first.offset:
            made += rollup(_taken(message), partitions)
    return Again(made, (read[-1].offset() or 0) + 1 if len(read) == AT_ONCE else None)


def _place(message: Message, source: Source, first: Taken) -> Place | None:
    """The place of what a record was made of, None if that is of another lane or partition."""
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        return None
    return place if (place.log, place.partition) == (source.logs[first.topic], first.partition) else None


def _taken(message: Message) -> Taken:
    return Taken(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.value() or b"",
        tuple(message.headers() or ()),  # type: ignore[arg-type]
    )
