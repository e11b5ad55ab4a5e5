"""Whether this process stood still: it was stopped, or its machine was, and all it knew of others may be over."""

from collections.abc import Callable
from math import inf
from threading import Event, Thread
from time import monotonic

TICKS = 8
"""So often within the time that is too long it is looked whether time has jumped."""


class Awake:
    """Notices, from when it is made, that the process stood still for more than `most_s` seconds, until it ends."""

    def __init__(self, most_s: float, clock: Callable[[], float] = monotonic) -> None:
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
        now = self._clock()
        if now - self._last > self._most_s:
            self._stood = now
        self._last = now

    def stood_still(self, since: float) -> bool:
        """Whether it did after that moment of the clock; who wakes up knows it before anybody has looked again."""
        return self._stood > since or self._clock() - self._last > self._most_s

    def _watch(self) -> None:
        while not self._over.wait(self._most_s / TICKS):
            self.look()
