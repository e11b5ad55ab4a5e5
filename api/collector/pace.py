"""How long it is worth to gather: a lone request waits for hardly anything, a flood fills records."""

from math import exp

FLOOD_A_SECOND = 200.0
"""From so many requests a second on it is gathered for the longest."""
LONGEST = 5.0
"""So many times the usual: a record costs each stage behind as much as some hundred events do."""
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
        return usual_s * (1 + (LONGEST - 1) * min(self.a_second / FLOOD_A_SECOND, 1.0))
