"""How far a consumer lies behind, in seconds of its own work, from where it stood and where the log ended."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

BUSY_S = 10.0
"""Over how long the rate of reading is measured: only where all of it was spent reading what had to wait."""
SLACK_S = 10.0
"""Offsets are committed every few seconds: by so much work may a backlog seem to grow that does not."""
RELIEF = 0.8
"""Once too far behind, it is so until this much of the limit is left."""


class Look(NamedTuple):
    """One look at a partition: when, where its reader stood, and where the log ended."""

    at: float
    stands: int
    ends: int


class Verdict(NamedTuple):
    """How far behind, and in how many seconds to come again, 0 if there is no need."""

    behind_s: float = 0.0
    wait_s: int = 0


class Reader:
    """One partition's reader, looked at now and then."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque()
        self._forgiven: int | None = None

    def seen(self, look: Look) -> None:
        """Note a look."""
        if self._looks and (look.stands < self._looks[-1].stands or look.ends < self._looks[-1].ends):
            self._looks.clear()  # another log, or it is read again
            self._forgiven = None
        self._looks.append(look)
        while len(self._looks) > 1 and self._looks[1].at <= look.at - BUSY_S:
            self._looks.popleft()
        self._forgive(look)

    def behind_s(self) -> float:
        """How many seconds of work wait: an event accepted now is read after so many.

        What gathered while nothing was read does not count, nor, from then on, what is left of it: that was an
        outage, which the log is there for. It counts once more is added to it than is read.
        """
        look = self._looks[-1]
        waiting = look.ends - look.stands
        rate = self._rate()
        if rate is None:
            return self._age()
        if rate == 0 or waiting <= (self._forgiven or 0) + rate * SLACK_S:
            return 0.0
        return waiting / rate

    def _forgive(self, look: Look) -> None:
        waiting, rate = look.ends - look.stands, self._rate()
        if self._forgiven is None or rate == 0:
            self._forgiven = waiting
        else:
            self._forgiven = min(self._forgiven, waiting)

    def _rate(self) -> float | None:
        """Records read a second, None where that is not known: it was not busy, or not at work, for long enough."""
        first, last = self._looks[0], self._looks[-1]
        if last.at - first.at < BUSY_S or last.stands >= first.ends:
            return None
        began = max(look.at for look in self._looks if look.stands == first.stands)
        if began == last.at:
            return 0.0
        return (last.stands - first.stands) / (last.at - began) if last.at - began >= BUSY_S / 2 else None

    def _age(self) -> float:
        """For how long the log has not ended where the reader stands."""
        last = self._looks[-1]
        unread = (look.at for look in self._looks if look.ends > last.stands)
        return last.at - next(unread, last.at)


@dataclass
class Backlog:
    """All partitions together: the one that is furthest behind counts. `limit_s` is the most that may wait."""

    limit_s: float

    def __post_init__(self) -> None:
        self._readers: dict[int, Reader] = {}
        self._is_late = False
        self.verdict = Verdict()

    def seen(self, now: float, partitions: Mapping[int, tuple[int, int]]) -> Verdict:
        """Note where each partition's reader stands and its log ends; what follows from it until the next time."""
        self._readers = {each: self._readers.get(each) or Reader() for each in partitions}
        for each, (stands, ends) in partitions.items():
            self._readers[each].seen(Look(now, stands, ends))
        behind = max((reader.behind_s() for reader in self._readers.values()), default=0.0)
        self._is_late = self._exceeds(behind, self.limit_s, self._is_late)
        self.verdict = Verdict(behind, _pause(behind, self.limit_s) if self._is_late else 0)
        return self.verdict

    def unknown(self) -> Verdict:
        """Nothing can be learnt: then nobody is turned away."""
        self._readers, self._is_late = {}, False
        self.verdict = Verdict()
        return self.verdict

    @staticmethod
    def _exceeds(behind: float, limit: float, before: bool) -> bool:
        return limit > 0 and behind > (limit * RELIEF if before else limit)


def _pause(behind: float, limit: float) -> int:
    """When it will be less, if nothing is added."""
    return min(max(int(behind - limit * RELIEF) + 1, 1), 60)
