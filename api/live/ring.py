"""The latest of the log, held in memory as it came, so that a client that was cut off can go on."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.live.item import Item, Read
from api.live.position import Mark, Position, Where
from api.live.record import items

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

    def has(self, position: Position) -> bool:
        """Whether nothing after a position has left."""
        return all(mark >= self.begin[where] for where, mark in position.items())

    def since(self, site: str, position: Position) -> Iterator[Item]:
        """What a site has from a position on, in the order of reading: what is here now, also if it leaves meanwhile."""
        first = min((self._first(where, mark) for where, mark in position.items()), default=self._next)
        found = []
        for kept in reversed(self._by_site.get(site, ())):
            if kept.number < first:
                break
            found.append(kept.record)
        return _items(found[::-1], site, position)

    def _first(self, where: Where, mark: Mark) -> int:
        """The number of the first record of a partition that is not before a mark."""
        first = self._next
        for kept in reversed(self._by_where[where]):
            if kept.record.offset < mark.offset:
                break
            first = kept.number
        return first

    def _drop(self) -> None:
        gone = self._records.popleft()
        where = gone.record.where
        self._by_where[where].popleft()
        for site in gone.sites:
            records = self._by_site[site]
            records.popleft()
            if not records:
                del self._by_site[site]
        self.begin[where] = gone.record.after
        self.bytes -= gone.size


def _items(records: Sequence[Read], site: str, position: Position) -> Iterator[Item]:
    for record in records:
        yield from items(record, site, position[record.where])
