"""Whether the raw log still holds what was refined of it.

A broker that is the only one to have a record may lose it with the power, after it has acknowledged it. Its log then
ends early, and what is written at the lost offsets would be taken for what was refined before, and passed over.
"""

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from pulse.errors import PlaceError
from pulse.place import PART_BITS, Place, place_of
from pulse.topics import EVENTS, RAW
from streams.broker import Broker, Where
from streams.standing import stored_places
from streams.warm import Source

REMEDY = (
    "the log has lost records at its end, as a broker with the only copy may with its power, and what lies at their offsets now "
    "is passed over: docs/operations.md tells how to go on (a log that lost its end)"
)


def fault(source: Source, partition: int, with_store: bool) -> str:
    """What of a partition of the raw log is not as it was when it was refined; empty if nothing is.

    Asked of the last output that was written and, `with_store`, of the last that is stored. Blocks; raises Unavailable.
    """
    where = RAW, partition
    last = _last(source, partition)
    wrong = missing(source.broker, where, last[0].offset, last[1]) if last else ""
    if not wrong and with_store:
        wrong = _missing_stored(source, partition, last[0].number if last else -1)
    return f"{RAW}/{partition} {wrong}: {REMEDY}" if wrong else ""


def missing(broker: Broker, where: Where, offset: int, timestamp: int) -> str:
    """What is wrong with the record at an offset, which had this timestamp (0: not known); empty if it is there.

    So it is if the log begins beyond it: its retention took it. Blocks; raises Unavailable.
    """
    found = broker.at(where, offset)
    if found is None and broker.ends([where])[where] > offset:
        return ""
    if found is None or (found.offset() or 0) < offset:
        return f"ends before the offset {offset:,}, which was taken from it"
    now = found.timestamp()[1]
    if found.offset() == offset and timestamp > 0 and now > 0 and now != timestamp:
        return f"holds at the offset {offset:,} another record than was taken from there"
    return ""


def _last(source: Source, partition: int) -> tuple[Place, int] | None:
    """The place of the last output, and the timestamp of its raw record, 0 if the broker wrote its own over it."""
    where = EVENTS, partition
    end = source.broker.ends([where])[where]
    found: tuple[Place, int] | None = None
    for message in source.broker.read(where, max(end - 1, 0)):
        place = _own(message, source.log_id, partition)
        if place is not None and (found is None or place.number >= found[0].number):
            kind, timestamp = message.timestamp()
            found = place, 0 if kind == TIMESTAMP_LOG_APPEND_TIME else timestamp
    return found


def _missing_stored(source: Source, partition: int, last: int) -> str:
    """The store may have what the output has lost along with the raw log."""
    stored = stored_places(source.client, source.log_id).get(partition, -1)
    if stored <= last:
        return ""
    wrong = missing(source.broker, (RAW, partition), stored >> PART_BITS, 0)
    if wrong or _reaches(source, partition, stored):
        return wrong
    return f"was refined up to the offset {stored >> PART_BITS:,}, which is stored, and {EVENTS}/{partition} lacks it"


def _reaches(source: Source, partition: int, number: int) -> bool:
    """Whether the output reaches so far, or is so old that all of it is gone. A late repetition may be what came last."""
    held = False
    for message in source.broker.read((EVENTS, partition), 0):
        place = _own(message, source.log_id, partition)
        held = held or place is not None
        if place is not None and place.number >= number:
            return True
    return not held


def _own(message: Message, log_id: str, partition: int) -> Place | None:
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        return None
    return place if (place.log, place.partition) == (log_id, partition) else None
