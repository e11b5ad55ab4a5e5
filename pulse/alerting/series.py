"""A series: sums by minute of the time that a rule looks back to, in memory that does not grow."""

from typing import Any

import numpy as np
import numpy.typing as npt

SLACK = 128
"""Minutes beyond what is needed, so that the series is moved on rarely."""

Counts = npt.NDArray[Any]


class Sum:
    """Numbers by minute (minutes since the epoch), the last so many of them; `begin` is the first minute that had any."""

    __slots__ = ("_first", "_numbers", "begin")

    def __init__(self, minutes: int, is_money: bool) -> None:
        self._numbers: Counts = np.zeros(minutes + SLACK, np.int64 if is_money else np.uint32)
        self._first: int | None = None
        self.begin: int | None = None

    @property
    def nbytes(self) -> int:
        """What it takes of memory."""
        return int(self._numbers.nbytes)

    def add(self, minute: int, number: int) -> None:
        """Count more in a minute; one that lies further back than is kept changes nothing."""
        if self._first is None:
            self._first = minute - len(self._numbers) + SLACK
        if minute < self._first:
            return
        if minute >= self._first + len(self._numbers):
            self._move(minute)
        self._numbers[minute - self._first] += number
        if self.begin is None or minute < self.begin:
            self.begin = minute

    def total(self, first: int, last: int) -> int:
        """The sum of the minutes from first to last, both included."""
        if self._first is None or last < self._first:
            return 0
        return int(self._numbers[max(first - self._first, 0) : last - self._first + 1].sum(dtype=np.int64))

    def totals(self, ends: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """The sums of windows of a length that end with these minutes."""
        if self._first is None:
            return np.zeros(len(ends), np.int64)
        low = int(ends.min()) - length + 1
        part = self._slice(low, int(ends.max()))
        sums = np.concatenate(([0], np.cumsum(part, dtype=np.int64)))
        at = ends - low + 1
        found: npt.NDArray[np.int64] = sums[at] - sums[at - length]
        return found

    def _slice(self, low: int, high: int) -> Counts:
        """The numbers of minutes, zero where they are not kept."""
        assert self._first is not None
        found: Counts = np.zeros(high - low + 1, self._numbers.dtype)
        end = self._first + len(self._numbers)
        begin, stop = max(low, self._first), min(high + 1, end)
        if begin < stop:
            found[begin - low : stop - low] = self._numbers[begin - self._first : stop - self._first]
        return found

    def _move(self, minute: int) -> None:
        assert self._first is not None
        by = minute - (self._first + len(self._numbers)) + SLACK
        kept = self._numbers[by:].copy()
        self._numbers[: len(kept)] = kept
        self._numbers[len(kept) :] = 0
        self._first += by


class Series:
    """What a rule measures of one group: `values` above the line, `volumes` the events that it is measured on."""

    __slots__ = ("values", "volumes")

    def __init__(self, minutes: int, is_money: bool, is_one: bool) -> None:
        self.values = Sum(minutes, is_money)
        self.volumes = self.values if is_one else Sum(minutes, is_money=False)

    def add(self, minute: int, value: int, volume: int) -> None:
        """Count more in a minute."""
        if self.volumes is not self.values:
            self.volumes.add(minute, volume)
            if not value:
                return
        self.values.add(minute, value)

    def sums(self, first: int, last: int) -> tuple[int, int]:
        """Value and volume of the minutes from first to last, both included."""
        volume = self.volumes.total(first, last)
        return volume if self.values is self.volumes else self.values.total(first, last), volume

    @property
    def begin(self) -> int | None:
        """The first minute of which there is anything."""
        return self.volumes.begin

    @property
    def nbytes(self) -> int:
        """What it takes of memory."""
        return self.values.nbytes + (0 if self.volumes is self.values else self.volumes.nbytes)
