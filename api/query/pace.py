"""How often a question is asked anew of ClickHouse where events never cease: changes are followed at once, but not all of them without end."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_S = 5.0
"""An answer is given for so long at most where its question was asked anew only just before, whatever is stored."""
COST = 20
"""A question takes at most one part of the time in so many."""
AT_ONCE = 2.0
"""So many times as long may be taken in advance: as many changes, one after the other, are followed at once."""
MOST_NAMES = 20_000


class Pace:
    """Tells whether it is time to ask a question anew. `now` gives seconds that never step."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def is_due(self, name: str) -> bool:
        """Whether a question may be asked anew."""
        until, each = self._until.get(name, (0.0, MOST_S))
        return until - self._now() < AT_ONCE * each

    def note(self, name: str, took_s: float, least_s: float = 0.0) -> None:
        """A question was asked, and took so long; its answer is good for `least_s` in any case."""
        each = min(max(least_s, took_s * COST), MOST_S)
        until, _ = self._until.pop(name, (0.0, each))
        self._until[name] = max(until, self._now()) + each, each
        if len(self._until) > MOST_NAMES:
            self._until.popitem(last=False)
