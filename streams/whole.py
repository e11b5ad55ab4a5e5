"""Whether the raw log still holds what was refined of it.

A broker that is the only one to have a record may lose it with the power, after it has acknowledged it. Its log then
ends early, and what is written at the lost offsets would be taken for what was refined before, and passed over.
"""

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from pulse.errors import PlaceError
from pulse.place import PART_BITS, Place, place_of
from pulse.topics import EVENTS
from streams.broker import Broker, Where
from streams.standing import stored_places
from streams.warm import Source

REMEDY = (
    "the log has lost records at its end, as a broker with the only copy may with its power, and what lies at their offsets now "
    "is passed over: docs/operations.md tells how to go on (a log that lost its end)"
)


def fault(source: Source, partition: int, with_store: bool) -> str:
    """What of a partition of the raw log, of either lane, is not as it was when it was refined; empty if nothing is.

    Asked of the last output that was written and, `with_store`, of the last that is stored. Blocks; raises Unavailable.
    """
    for topic in source.logs:
        wrong = _fault(source, (topic, partition), with_store)
        if wrong:
            return f"{topic}/{partition} {wrong}: {REMEDY}"
    return ""


def _fault(source: Source, where: Where, with_store: bool) -> str:
    last = _last(source, where)
    wrong = missing(source.broker, where, last[0].offset, last[1]) if last else ""
    return wrong or (_missing_stored(source, where, last[0].number if last else -1) if with_store else "")


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


def _last(source: Source, raw: Where) -> tuple[Place, int] | None:
    """The place of the last output, and the timestamp of its raw record, 0 if the broker wrote its own over it.

    None if what was written last is of another lane.
    """
    where = EVENTS, raw[1]
    end = source.broker.ends([where])[where]
    found: tuple[Place, int] | None = None
    for message in source.broker.read(where, max(end - 1, 0)):
        place = _own(message, source, raw)
        if place is not None and (found is None or place.number >= found[0].number):
            kind, timestamp = message.timestamp()
            found = place, 0 if kind == TIMESTAMP_LOG_APPEND_TIME else timestamp
    return found


def _missing_stored(source: Source, raw: Where, last: int) -> str:
    """The store may have what the output has lost along with the raw log."""
    log_id, (_, partition) = source.logs[raw[0]], raw
    stored = stored_places(source.client, [log_id]).get((log_id, partition), -1)
    if stored <= last:
        return ""
    wrong = missing(source.broker, raw, stored >> PART_BITS, 0)
    if wrong or last < 0 or _reaches(source, raw, stored):
        return wrong
    return f"was refined up to the offset {stored >> PART_BITS:,}, which is stored, and {EVENTS}/{partition} lacks it"


def _reaches(source: Source, raw: Where, number: int) -> bool:
    """Whether the output reaches so far, or is so old that all of it is gone. A late repetition may be what came last."""
    held = False
    for message in source.broker.read((EVENTS, raw[1]), 0):
        place = _own(message, source, raw)
        held = held or place is not None
        if place is not None and place.number >= number:
            return True
    return not held


def _own(message: Message, source: Source, raw: Where) -> Place | None:
    try:
        place = place_of(message.headers())  # type: ignore[arg-type]
    except PlaceError:
        return None
    return place if (place.log, place.partition) == (source.logs[raw[0]], raw[1]) else None
