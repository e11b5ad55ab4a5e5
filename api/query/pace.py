"""For how long an answer is given although more was stored since it was made: the longer the more it costs and the more is asked.

An answer is *good* up to its bound, whoever asks. It is *due* to be made anew somewhat before: soon, where little is asked, so that
it is nearly as fresh as what is stored; where much is asked, only so early that the next one is there once this one is good no more.
"""

from math import exp

COST = 20
"""A question that is asked all the time takes at most one part of the time in so many where much is asked, ..."""
EAGER = 5
"""... and one in so many where little is."""
LEAST_MS = 1_000
"""An answer that costs little is good for so long."""
COSTLY_MS, LEAST_COSTLY_MS = 50, 2_000
MOST_MS = 5_000
"""And none for longer, whatever it costs."""
LITTLE, MUCH = 10.0, 20.0
"""Answers a second of one process: up to so many little is asked, from so many on much."""
AHEAD, AHEAD_MS, AHEAD_PART = 1.5, 100, 2
"""A costly answer is made anew so many times its cost and so many ms before the end, but not before half of its time is over."""
OVER_S = 5.0


class Rate:
    """How often something happened lately, a second."""

    def __init__(self) -> None:
        self._at_ms = 0
        self._rate = 0.0

    def count(self, now_ms: int) -> None:
        """It happens."""
        self._rate = self.at(now_ms) + 1 / OVER_S
        self._at_ms = now_ms

    def at(self, now_ms: int) -> float:
        """How often, at a moment; as before where the clock has stepped back."""
        return self._rate * exp(-max(now_ms - self._at_ms, 0) / 1000 / OVER_S)


def each_ms(cost_ms: int, most_ms: int = MOST_MS) -> int:
    """For how long an answer is good that took so long; for no more than `most_ms`."""
    least = LEAST_MS if is_cheap(cost_ms) else LEAST_COSTLY_MS
    return min(max(COST * cost_ms, least), MOST_MS, most_ms)


def due_ms(cost_ms: int, rate: float, most_ms: int = MOST_MS) -> int:
    """At what age an answer is to be made anew, where so many answers a second are asked for."""
    bound = each_ms(cost_ms, most_ms)
    ahead = 0 if is_cheap(cost_ms) else min(int(AHEAD * cost_ms) + AHEAD_MS, bound // AHEAD_PART)
    eager, late = min(EAGER * cost_ms, bound - ahead), bound - ahead
    share = min(max((rate - LITTLE) / (MUCH - LITTLE), 0.0), 1.0)
    return eager + int((late - eager) * share)


def patience_ms(cost_ms: int) -> int:
    """For how long one that is made anew is waited for, where the last one is good still: not at all if it is costly."""
    return 2 * COSTLY_MS if is_cheap(cost_ms) else 0


def is_cheap(cost_ms: int) -> bool:
    """Whether an answer costs so little that who asks may as well wait for it."""
    return cost_ms <= COSTLY_MS
