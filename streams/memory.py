"""What refinement knows of a partition: which ids have been seen, and up to where its output stands in the log."""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.bloom import Flags
from streams.devices import MOST_BYTES, Devices
from streams.older import PARTS, Older
from streams.recent import DIGEST_BYTES, Digests, Layer, Recent, array_of, ascending
from streams.stand import Stand

LAYER = 65_536
"""So many ids are gathered in a plain set before they are laid away."""
LAYERS = 8
OPEN_BYTES = 91
"""What an id takes in a set of a size between two growths."""
FOREVER = 1 << 62


@dataclass
class Bounds:
    """How many ids a process may remember exactly, and how many bytes older ones may take; shared by its partitions.

    `taken` is what ids of older logs take of these bytes, at most half. Devices that are followed take `devices_bytes`. `shares` are
    the partitions of the log, whoever owns them.
    """

    recent: int = 1 << 20
    older_bytes: int = 1 << 30
    partitions: int = 1
    taken: int = 0
    devices_bytes: int = MOST_BYTES
    shares: int = 1

    def recent_each(self) -> int:
        """What a partition may remember exactly."""
        return max(self.recent // self.partitions, 1)

    def older_bytes_each(self) -> int:
        """What a partition's older ids may take."""
        return (self.older_bytes - self.taken) // self.partitions

    def devices_each(self) -> int:
        """What the devices that a partition follows may take."""
        return max(self.devices_bytes // self.partitions, 1)

    def elsewhere_bytes(self) -> int:
        """What ids of older logs may take."""
        return self.older_bytes // 2


class Looked(NamedTuple):
    """Which of some digests are known for sure, and which may be: of these only the store can tell."""

    known: Flags
    doubtful: Flags


class Memory:
    """The state of one partition: one for all lanes, since an event may come by any of them.

    Where the output stands is told for each lane, by the id of its `log`.

    Every id goes into a set; from there into layers of `recent`, exactly, and into the filters of `older`. A layer is
    dropped once all of it is stored and there are too many: what a filter claims then is a suspicion. `stored` is the
    offset of `pulse.events` before which all is in the store, `position` where reading one's own output goes on. `devices` is
    where devices were seen.
    """

    def __init__(self, window_ms: int, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.recent = Recent()
        self.older = Older(window_ms, self.bounds.older_bytes_each)
        self.elsewhere: Older | None = None
        self.devices = Devices(self.bounds.devices_each, lambda: self.bounds.shares)
        self.position: int | None = None
        self.stored = 0
        self.newest = 0
        self._window = window_ms
        self._now = FOREVER
        self._reached = 0
        self._open: set[bytes] = set()
        self._opened = 0
        self._end = 0
        self._stands: defaultdict[str, Stand] = defaultdict(Stand)
        self._last = ""

    @property
    def exact(self) -> int:
        """How many ids are remembered exactly."""
        return len(self._open) + len(self.recent)

    @property
    def exact_bytes(self) -> int:
        """The bytes they take."""
        return len(self._open) * OPEN_BYTES + len(self.recent) * DIGEST_BYTES

    @property
    def reached(self) -> int:
        """The moment to which the log has come; one whose time runs ahead of ours makes nothing be forgotten early."""
        return min(self.newest, self._now)

    @property
    def last(self) -> tuple[str, int]:
        """The log and offset of the raw record that was written last, which may have been written in part."""
        return self._last, self._stands[self._last].offset

    def first_part(self, offset: int, log: str = "") -> int | None:
        """From which part on the output of a raw record is still to be written; None if all that follows is written."""
        return self._stands[log].first_part(offset)

    def look(self, digests: Digests) -> Looked:
        """Look for many digests at once, among all but the latest."""
        held, only_there = self.older.holds(digests[:, 0])
        if self.elsewhere:
            only_there |= self.elsewhere.holds(digests[:, 0])[1]
        known: Flags = np.zeros(len(digests), np.bool_)
        at = np.flatnonzero(held)
        known[at] = self.recent.holds(digests[at])
        return Looked(known, only_there & ~known)

    def is_own(self, offset: int, digest: bytes, log: str = "") -> bool:
        """Whether an id was written by this very raw record, of which it is no duplicate."""
        return digest in self._stands[log].own(offset)

    def unseen(
        self, offset: int, digests: Sequence[bytes], known: AbstractSet[bytes] = frozenset(), log: str = ""
    ) -> list[bool]:
        """For each digest of a raw record whether it is neither `known`, nor among the latest, nor a repetition within these."""
        met = self._open.intersection(digests) | known
        met -= self._stands[log].own(offset)
        if not met and len(set(digests)) == len(digests):
            return [True] * len(digests)
        fresh = []
        for one in digests:
            fresh.append(one not in met)
            met.add(one)
        return fresh

    def written(
        self, offset: int, part: int, digests: Sequence[bytes], at: int, log: str = "", is_last: bool = False
    ) -> None:
        """Remember that a part of a raw record's output is, or is to be, in the log, with these ids; `is_last` if it is known to be the last."""
        self.remember(digests, at)
        self._stands[log].written(offset, part, digests, is_last)
        self._last = log

    def remember(self, digests: Sequence[bytes], at: int) -> None:
        """Remember digests as seen at a moment in ms since the epoch.

        It is the log's order that says when an id was seen, whatever time its producer wrote on the record.
        """
        self.newest = max(self.newest, at)
        if not self._open:
            self._opened = self._seen_at(at)
        self._open.update(digests)

    def delivered(self, first: int, last: int, is_whole: bool = True) -> None:
        """All that was remembered lies before the end of these offsets; reading on need not begin before them.

        `is_whole` tells that nobody else's record lies between.
        """
        if is_whole and first == self.position:
            self.position = last + 1
        self._end = max(self._end, last + 1)
        if len(self._open) >= min(LAYER, max(self.bounds.recent_each() // LAYERS, 1)):
            self._lay_away()

    def turn(self, now: int, unread: int | None = None) -> None:
        """It is `now`, and all that was made is delivered: forget what has left the window.

        `unread` is the moment of the oldest raw record that is still to be refined, in whatever lane, if there are any:
        what it may repeat is not forgotten before it was looked at.
        """
        self._now = now
        if self._open and self.reached - self._opened >= self._window // PARTS:
            self._lay_away()
        self._reached = max(self._reached, self.reached)
        reached = self.reached if unread is None else min(self.reached, unread)
        self.recent.expire(reached - self._window)
        self.older.expire(reached)

    def trim(self, most: int) -> None:
        """Remember at most so many ids exactly, if the store knows the others."""
        self.recent.trim(self.stored, max(most - len(self._open), 0))

    def _lay_away(self) -> None:
        last = max(self._seen_at(self.newest), self._opened)
        high, low = ascending(array_of(self._open))
        part = self.older.add(high, self._opened, last)
        self.recent.add(Layer(high, low, part, self._end, last))
        self._open = set()
        self.trim(self.bounds.recent_each())

    def _seen_at(self, at: int) -> int:
        return min(max(at, self._reached), self._now)
