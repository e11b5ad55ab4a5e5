"""The latest of the log, held in memory, so that a client that was cut off can go on."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from api.live.item import Item, Read
from api.live.position import Mark, Position, Where

ITEM_BYTES = 320
"""What an item takes beside its text, measured: itself, its marks, its share of the queues."""
RECORD_BYTES = 400


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    offset: int
    where: Where
    size: int
    sites: tuple[tuple[str, int], ...]


class Ring:
    """What was read last, up to so many bytes; all that is read is added in the order of reading."""

    def __init__(self, starts: Mapping[Where, int], most_bytes: int) -> None:
        self._most = most_bytes
        self._records: deque[_Kept] = deque()
        self._by_where: dict[Where, deque[_Kept]] = {where: deque() for where in starts}
        self._by_site: dict[str, deque[tuple[int, Item]]] = {}
        self._next = 0
        self.bytes = 0
        self.begin = {where: Mark(offset) for where, offset in starts.items()}
        """From where on everything is here."""

    def add(self, record: Read) -> None:
        """Keep one more record; the oldest ones go for it."""
        sites = Counter(item.site for item in record.items)
        size = RECORD_BYTES + sum(len(item.text) + ITEM_BYTES for item in record.items)
        kept = _Kept(self._next, record.offset, record.where, size, tuple(sites.items()))
        for item in record.items:
            self._by_site.setdefault(item.site, deque()).append((self._next, item._replace(event=None)))
        self._records.append(kept)
        self._by_where[record.where].append(kept)
        self._next += 1
        self.bytes += size
        while self.bytes > self._most:
            self._drop()

    def has(self, position: Position) -> bool:
        """Whether nothing after a position has left."""
        return all(mark >= self.begin[where] for where, mark in position.items())

    def since(self, site: str, position: Position) -> list[Item]:
        """What a site has from a position on, in the order of reading."""
        first = min((self._first(where, mark) for where, mark in position.items()), default=self._next)
        found = []
        for number, item in reversed(self._by_site.get(site, ())):
            if number < first:
                break
            if item.mark >= position[item.where]:
                found.append(item)
        return found[::-1]

    def _first(self, where: Where, mark: Mark) -> int:
        """The number of the first record of a partition that is not before a mark."""
        first = self._next
        for kept in reversed(self._by_where[where]):
            if kept.offset < mark.offset:
                break
            first = kept.number
        return first

    def _drop(self) -> None:
        gone = self._records.popleft()
        self._by_where[gone.where].popleft()
        for site, count in gone.sites:
            items = self._by_site[site]
            for _ in range(count):
                items.popleft()
            if not items:
                del self._by_site[site]
        self.begin[gone.where] = Mark(gone.offset + 1)
        self.bytes -= gone.size
