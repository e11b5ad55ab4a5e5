"""The ids that have been seen, exactly, for a window of time."""

from collections.abc import Iterable, Sequence

from xxhash import xxh3_128_digest

from pulse.event import RefinedEvent

GENERATIONS = 4
"""Ids are forgotten a generation at a time, a quarter of the window: many generations cost a look-up each, few cost memory."""


def digest(site_id: str, event_id: str) -> bytes:
    """What is remembered of an event: 16 bytes of its site and id."""
    return xxh3_128_digest(f"{site_id}\0{event_id}".encode())


def digests(events: Iterable[RefinedEvent]) -> list[bytes]:
    """What is remembered of refined events, in their order."""
    return [xxh3_128_digest(f"{e.site_id}\0{e.event_id}".encode()) for e in events]


class SeenIds:
    """Digests seen within the last `window_ms` of the log's own time, and up to a quarter longer.

    `newest` is the latest moment of any, in ms since the epoch.
    """

    def __init__(self, window_ms: int) -> None:
        self._window = window_ms
        self._span = max(window_ms // GENERATIONS, 1)
        self._generations: dict[int, set[bytes]] = {}
        self._reached = 0
        self.newest = 0

    def __len__(self) -> int:
        return sum(map(len, self._generations.values()))

    def __contains__(self, one: bytes) -> bool:
        return any(one in generation for generation in self._generations.values())

    def known(self, some: Iterable[bytes]) -> set[bytes]:
        """Those of some digests that have been seen."""
        asked = set(some)
        found: set[bytes] = set()
        for generation in self._generations.values():
            if not generation.isdisjoint(asked):
                found |= generation & asked
        return found

    def add(self, some: Iterable[bytes], at: int) -> None:
        """Remember digests as seen at a moment, in ms since the epoch, or now if that is before.

        It is the log's order that says when an id was seen, whatever time its producer wrote on the record.
        """
        self.newest = max(self.newest, at)
        number = max(at, self._reached) // self._span
        generation = self._generations.get(number)
        if generation is None:
            generation = self._generations.setdefault(number, set())
        generation.update(some)

    def forget(self, some: Sequence[bytes]) -> None:
        """Take digests for never seen."""
        for generation in self._generations.values():
            generation.difference_update(some)

    def expire(self, now: int) -> None:
        """Forget what the window has passed at a moment, in ms since the epoch."""
        self._reached = max(self._reached, now)
        horizon = (now - self._window) // self._span
        for number in [number for number in self._generations if number < horizon]:
            del self._generations[number]
