"""How long it is worth to gather: a lone request waits for hardly anything, a flood fills records."""

from math import exp

STEPS = ((200.0, 4.0), (2_000.0, 5.0))
"""Up to so many requests a second it is gathered longer and longer, at last by so many times the usual more: a record
costs each stage behind as much as some hundred events do, and the broker more than that."""
REMEMBERED_S = 0.5


class Pace:
    """How many requests come in a second, of late. Times in seconds of any one clock."""

    def __init__(self) -> None:
        self._level = 0.0
        self._at = 0.0

    def came(self, now: float) -> None:
        """A request has come."""
        self._level = 1.0 + self._level * exp((self._at - now) / REMEMBERED_S)
        self._at = now

    @property
    def a_second(self) -> float:
        """Requests a second, at the moment when the last one came."""
        return self._level / REMEMBERED_S

    def linger(self, usual_s: float) -> float:
        """How long to gather where `usual_s` is right for few requests."""
        return usual_s * (1 + sum(more * min(self.a_second / rate, 1.0) for rate, more in STEPS))
