"""How far Pulse was behind, minute by minute, as far as this process has seen."""

from collections import deque

from pulse.alerting.impossible import LONGEST_OF_STORE
from pulse.alerting.rule import CATCH_UP
from pulse.alerting.selector import ALL
from pulse.alerting.windows import Answer, Question
from pulse.minute import MINUTE_MS

KEPT = LONGEST_OF_STORE + CATCH_UP


class Lags:
    """The longest lag in seconds of each minute, and how often it was measured."""

    def __init__(self) -> None:
        self._minutes: dict[int, tuple[float, int]] = {}

    def add(self, now_ms: int, lag_s: float) -> None:
        """Note what was measured at a moment."""
        minute = now_ms // MINUTE_MS
        longest, number = self._minutes.get(minute, (0.0, 0))
        self._minutes[minute] = max(longest, lag_s), number + 1
        self._minutes = {at: each for at, each in self._minutes.items() if at > minute - KEPT}

    def answer(self, question: Question) -> Answer:
        """The longest of each window of which anything was measured."""
        if not self._minutes:
            return Answer(())
        last = max(self._minutes)
        first = max(min(self._minutes), last - CATCH_UP)
        return Answer(((first, last),), {ALL: self._windows(first, last, question.width)})

    def _windows(self, first: int, last: int, width: int) -> dict[int, tuple[float, int]]:
        """Of windows that end with each minute, each minute being looked at twice: as it comes in and as it goes out."""
        falling: deque[tuple[int, float]] = deque()
        found: dict[int, tuple[float, int]] = {}
        number = 0
        for minute in range(first - width + 1, last + 1):
            lag, measured = self._minutes.get(minute, (0.0, 0))
            number += measured - self._minutes.get(minute - width, (0.0, 0))[1] * (minute - width > first - width)
            while falling and falling[-1][1] <= lag:
                falling.pop()
            falling.append((minute, lag))
            if falling[0][0] <= minute - width:
                falling.popleft()
            if minute >= first:
                found[minute] = falling[0][1], number
        return found
