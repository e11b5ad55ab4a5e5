"""Questions that the store refused when each was asked alone: asked again after a while, each time after a longer one."""

from collections.abc import Container, Iterable
from typing import NamedTuple

from pulse.alerting.windows import Question

SHORTEST_S = 5.0
LONGEST_S = 300.0
FORGOTTEN_S = 3 * LONGEST_S
"""After which nobody asks any more what was refused."""

Key = tuple[str, Question]
"""Of which site, and what."""


class _Refusal(NamedTuple):
    times: int
    due: float


class Refusals:
    """What is refused, and when it is asked again: after 5 s, then 10 s, up to 5 minutes. Moments are seconds of one clock."""

    def __init__(self) -> None:
        self._refused: dict[Key, _Refusal] = {}

    def __len__(self) -> int:
        return len(self._refused)

    def waiting(self, now: float) -> set[Key]:
        """What is not asked now."""
        return {key for key, each in self._refused.items() if each.due > now}

    def note(self, refused: Iterable[Key], answered: Container[Key], now: float) -> None:
        """Note what a round found: what was answered is refused no longer."""
        known, again = self._refused, set(refused)
        self._refused = {
            key: each
            for key, each in known.items()
            if key not in answered and key not in again and each.due > now - FORGOTTEN_S
        }
        for key in again:
            times = known[key].times + 1 if key in known else 1
            self._refused[key] = _Refusal(times, now + pause_s(times))


def pause_s(times: int) -> float:
    """For how many seconds a question is left out that was refused so many times in a row."""
    return float(min(SHORTEST_S * 2 ** min(times - 1, 10), LONGEST_S))
