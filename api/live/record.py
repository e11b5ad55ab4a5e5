"""Records of the log as items: an enriched event a line of `pulse.events`, one notice a record of `pulse.alerts`."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from sys import intern

import msgspec

from api.live.event import Brief, encode, shown
from api.live.item import Item, Read
from api.live.part import parts_of
from api.live.position import Mark, Where
from pulse.errors import PlaceError
from pulse.notice import Notice
from pulse.place import place_of
from pulse.topics import ALERTS

FIRST = Mark(0)
NONE = frozenset([""])

_notice = msgspec.json.Decoder(Notice).decode
_brief = msgspec.json.Decoder(Brief)

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
    if where.topic == ALERTS:
        sites = tuple(notice.site_id for notice in _notices(value))
        return Read(where, offset, value, sites, frozenset(sites) - NONE)
    found = _briefs(value)
    sites = tuple([intern(each.site_id) if each else "" for each in found])
    return Read(where, offset, value, sites, frozenset(sites) - NONE, parts_of([each for each in found if each]))


def items(record: Read, site: str, begin: Mark = FIRST) -> Iterator[Item]:
    """What a record holds of a site from a mark on."""
    if record.where.topic == ALERTS:
        return _told(record, site, begin)
    return _shown(record, site, begin)


def _told(record: Read, site: str, begin: Mark) -> Iterator[Item]:
    mark = Mark(record.offset)
    for notice in _notices(record.value):
        if notice.site_id == site and mark >= begin:
            yield Item(site, record.where, mark, record.after, encode(notice), None)


def _shown(record: Read, site: str, begin: Mark) -> Iterator[Item]:
    lines, last = record.value.split(b"\n"), len(record.sites) - 1
    for number, name in enumerate(record.sites):
        mark = Mark(record.offset, number)
        event = shown(lines[number]) if name == site and mark >= begin else None
        if event is not None and event.site_id == site:
            after = Mark(record.offset, number + 1) if number < last else record.after
            yield Item(site, record.where, mark, after, encode(event), event)


def _briefs(value: bytes) -> Sequence[Brief | None]:
    """What is counted of each line: of all of them at once, where each can be read."""
    lines = value.count(b"\n") + (not value.endswith(b"\n")) if value else 0
    with suppress(msgspec.DecodeError, UnicodeError):
        found = _brief.decode_lines(value)
        if len(found) == lines:
            return found
    return [_of_line(line) for line in value.split(b"\n")[:lines]]


def _of_line(line: bytes) -> Brief | None:
    try:
        return _brief.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _notices(value: bytes) -> Sequence[Notice]:
    """The notice of a record; none where it cannot be read."""
    try:
        return (_notice(value),)
    except (msgspec.DecodeError, UnicodeError):
        return ()
