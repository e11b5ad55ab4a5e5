"""The latest of the log, held in memory as it came, so that a client that was cut off can go on."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from api.live.item import Item, Read
from api.live.position import Mark, Position, Where
from api.live.record import FIRST, items

LINE_BYTES = 8
SITE_BYTES = 72
RECORD_BYTES = 500
"""What a record takes beside its text, measured: itself, its place; what each of its sites and lines adds."""


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    record: Read
    size: int
    sites: frozenset[str]


class Ring:
    """What was read last, up to so many bytes; all that is read is added in the order of reading."""

    def __init__(self, starts: Mapping[Where, int], most_bytes: int) -> None:
        self._most = most_bytes
        self._records: deque[_Kept] = deque()
        self._by_where: dict[Where, deque[_Kept]] = {where: deque() for where in starts}
        self._by_site: dict[str, deque[_Kept]] = {}
        self._next = 0
        self.bytes = 0
        self.begin = {where: Mark(offset) for where, offset in starts.items()}
        """From where on everything is here."""

    def add(self, record: Read) -> None:
        """Keep one more record; the oldest ones go for it."""
        sites = record.among
        size = RECORD_BYTES + len(record.value) + LINE_BYTES * len(record.sites) + SITE_BYTES * len(sites)
        kept = _Kept(self._next, record._replace(counted=()), size, sites)
        for site in kept.sites:
            self._by_site.setdefault(site, deque()).append(kept)
        self._records.append(kept)
        self._by_where[record.where].append(kept)
        self._next += 1
        self.bytes += size
        while self.bytes > self._most:
            self._drop()

    @property
    def first(self) -> int:
        """The number of the oldest record; those that were read are numbered in their order."""
        return self._next - len(self._records)

    @property
    def next(self) -> int:
        """The number of the record that will be read next."""
        return self._next

    def extend(self, where: Where, offset: int) -> None:
        """Hold a partition too, from an offset on."""
        self._by_where[where], self.begin[where] = deque(), Mark(offset)

    def cut(self, where: Where, offset: int) -> None:
        """Note that a partition lacks something just before an offset: nobody goes on across it as if nothing were missing."""
        self.begin[where] = Mark(offset)

    def has(self, position: Position) -> bool:
        """Whether nothing after a position has left."""
        return all(position.get(where, FIRST) >= mark for where, mark in self.begin.items())

    def since(self, site: str, position: Position) -> Iterator[Item]:
        """What a site has from a position on, in the order of reading: what is here now, also if it leaves meanwhile."""
        first = self.place(position)
        found = []
        for kept in reversed(self._by_site.get(site, ())):
            if kept.number < first:
                break
            found.append(kept.record)
        return _items(found[::-1], site, position)

    def place(self, position: Position) -> int:
        """The number of the first record that is not before a position."""
        return min((self._first(where, mark) for where, mark in position.items()), default=self._next)

    def of(self, site: str, number: int) -> Iterator[tuple[int, Read]]:
        """A site's records from a number on, each with its own; to be read before anything else is done."""
        kept = self._by_site.get(site, deque())
        for each in islice(kept, bisect_left(kept, number, key=_number), None):
            yield each.number, each.record

    def _first(self, where: Where, mark: Mark) -> int:
        """The number of the first record of a partition that is not before a mark."""
        kept = self._by_where[where]
        index = bisect_left(kept, mark.offset, key=_offset)
        return kept[index].number if index < len(kept) else self._next

    def _drop(self) -> None:
        gone = self._records.popleft()
        where = gone.record.where
        self._by_where[where].popleft()
        for site in gone.sites:
            records = self._by_site[site]
            records.popleft()
            if not records:
                del self._by_site[site]
        self.begin[where] = max(self.begin[where], gone.record.after)
        self.bytes -= gone.size


def _number(kept: _Kept) -> int:
    return kept.number


def _offset(kept: _Kept) -> int:
    return kept.record.offset


def _items(records: Sequence[Read], site: str, position: Position) -> Iterator[Item]:
    for record in records:
        yield from items(record, site, position.get(record.where, FIRST))
