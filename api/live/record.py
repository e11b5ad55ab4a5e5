"""Records of the log as items: an enriched event a line of `pulse.events`, one notice a record of `pulse.alerts`."""

from collections.abc import Sequence

import msgspec

from api.live.event import encode, shown
from api.live.item import Item, Read
from api.live.position import Mark, Where
from pulse.errors import PlaceError
from pulse.notice import Notice
from pulse.place import place_of
from pulse.topics import EVENTS

_notice = msgspec.json.Decoder(Notice).decode

Headers = list[tuple[str, bytes | None]] | None


class Repetitions:
    """Tells records that repeat what the log has already: their place is not beyond the last one of their partition."""

    def __init__(self) -> None:
        self._reached: dict[tuple[int, str, int], int] = {}

    def is_one(self, partition: int, headers: Headers) -> bool:
        """Whether a record of `pulse.events` is a repetition; one that names no place is none."""
        try:
            place = place_of(headers)
        except PlaceError:
            return False
        row = partition, place.log, place.partition
        if place.number <= self._reached.get(row, -1):
            return True
        self._reached[row] = place.number
        return False


def read(where: Where, offset: int, value: bytes) -> Read:
    """What a record holds. Lines that cannot be read are passed over: refinement tells of them elsewhere."""
    items = _events(where, offset, value.splitlines()) if where.topic == EVENTS else _notices(where, offset, value)
    return Read(where, offset, Mark(offset + 1), items)


def _events(where: Where, offset: int, lines: Sequence[bytes]) -> tuple[Item, ...]:
    last = len(lines) - 1
    found = []
    for number, line in enumerate(lines):
        event = shown(line)
        if event is not None:
            after = Mark(offset, number + 1) if number < last else Mark(offset + 1)
            found.append(Item(event.site_id, where, Mark(offset, number), after, encode(event), event))
    return tuple(found)


def _notices(where: Where, offset: int, value: bytes) -> tuple[Item, ...]:
    try:
        notice = _notice(value)
    except (msgspec.DecodeError, UnicodeError):
        return ()
    return (Item(notice.site_id, where, Mark(offset), Mark(offset + 1), encode(notice), None),)
