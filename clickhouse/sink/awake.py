"""Whether this process stood still: it was stopped, or its machine was, and all it knew of others may be over."""

import time
from collections.abc import Callable
from math import inf
from threading import Event, Thread

TICKS = 8
"""So often within the time that is too long it is looked whether time has jumped."""


def now() -> float:
    """Seconds of a clock that goes on while the machine is suspended, where the system has one; a machine that its host pauses may not notice it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Awake:
    """Notices, from when it is made, that the process stood still for more than `most_s` seconds, until it ends."""

    def __init__(self, most_s: float, clock: Callable[[], float] = now) -> None:
        self._most_s = most_s
        self._clock = clock
        self._last = clock()
        self._stood = -inf
        self._over = Event()

    def begin(self) -> None:
        """Look from now on, beside everything else."""
        Thread(target=self._watch, name="awake", daemon=True).start()

    def end(self) -> None:
        """Look no longer."""
        self._over.set()

    def look(self) -> None:
        """Note that the process is awake, and that it was not since it last did if that is too long ago."""
        at = self._clock()
        if at - self._last > self._most_s:
            self._stood = at
        self._last = at

    def stood_still(self, since: float) -> bool:
        """Whether it did after that moment of the clock; who wakes up knows it before anybody has looked again."""
        return self._stood > since or self._clock() - self._last > self._most_s

    def _watch(self) -> None:
        while not self._over.wait(self._most_s / TICKS):
            self.look()
