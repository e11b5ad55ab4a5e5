"""The ids of a long time in little memory: Bloom filters one after the other, each for a part of the window."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from streams.bloom import Bloom, Flags, Hashes, masks_of

PARTS = 8
"""A filter is to last for an eighth of the window: many cost a look each, few are remembered for long after it."""
LONGEST = 1.5
"""So many eighths a filter may last where fewer ids come than it was made for."""
LEAST = 65_536
GROWTH = 8
BITS = 26
"""Bits for an id where memory allows it: one look in 15,000 is then a false alarm; folded once, one in 350."""


@dataclass
class Part:
    """A filter, and the moments of the first and the last id in it, in ms since the epoch.

    `is_covered` tells that all of its ids are also remembered exactly, so that what it claims need not be believed.
    """

    ids: Bloom
    first: int
    last: int
    is_covered: bool = False


class Older:
    """Hashes of ids seen within the last `window_ms`, and up to a fifth longer.

    `most_bytes` says how much memory they may take. Beyond it filters are folded: what is held stays held, and more
    is claimed that is not.
    """

    def __init__(self, window_ms: int, most_bytes: Callable[[], int]) -> None:
        self._window = window_ms
        self._span = max(window_ms // PARTS, 1)
        self._most_bytes = most_bytes
        self._parts: list[Part] = []

    def __len__(self) -> int:
        return sum(part.ids.count for part in self._parts)

    @property
    def nbytes(self) -> int:
        """The bytes they take."""
        return sum(part.ids.nbytes for part in self._parts)

    def add(self, hashes: Hashes, first: int, last: int) -> Part:
        """Hold these, seen between two moments in ms since the epoch and remembered exactly; returns where they are."""
        before = self._parts[-1] if self._parts else None
        if before is None or self._is_done(before, len(hashes), last):
            self._parts.append(Part(Bloom(max(self._expected(before), len(hashes)), BITS), first, last, True))
            self._keep_to_memory()
        part = self._parts[-1]
        part.ids.add(hashes)
        part.last = max(part.last, last)
        return part

    def reserve(self, counts: Iterable[tuple[int, int, int]]) -> list[Bloom]:
        """Filters to be filled with ids from before all others: of each how many, and the moments of its first and last."""
        made = [Part(Bloom(max(count, 1), BITS), first, last) for count, first, last in counts]
        self._parts = made + self._parts
        self._keep_to_memory()
        return [part.ids for part in made]

    def holds(self, hashes: Hashes) -> tuple[Flags, Flags]:
        """Which of some hashes may have been seen, and which of them may be remembered nowhere but here."""
        held: Flags = np.zeros(len(hashes), np.bool_)
        only_here: Flags = np.zeros(len(hashes), np.bool_)
        masks = masks_of(hashes)
        for part in self._parts:
            claimed = part.ids.holds(hashes, masks)
            held |= claimed
            if not part.is_covered:
                only_here |= claimed
        return held, only_here

    def expire(self, reached: int) -> None:
        """Forget what has left the window at a moment, in ms since the epoch."""
        horizon = reached - self._window
        if self._parts and any(part.last < horizon for part in self._parts):
            self._parts = [part for part in self._parts if part.last >= horizon]
        self._keep_to_memory()

    def _is_done(self, part: Part, more: int, at: int) -> bool:
        return part.ids.count + more > part.ids.capacity or at - part.first > LONGEST * self._span

    def _expected(self, last: Part | None) -> int:
        """How many ids the next eighth of the window will bring if they go on coming as they did of late."""
        if last is None:
            return LEAST
        rate = last.ids.count / max(last.last - last.first, 1)
        return min(max(round(rate * self._span), LEAST), max(last.ids.capacity, LEAST) * GROWTH)

    def _keep_to_memory(self) -> None:
        most = self._most_bytes()
        while self.nbytes > most and (foldable := [part.ids for part in self._parts if part.ids.can_fold]):
            max(foldable, key=lambda ids: ids.bits_each).fold()
