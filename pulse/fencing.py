"""A member of a Kafka group that needs a new consumer: it was fenced, or is outside of its group for too long.

It is fenced when another of its name joins, or when it did so itself by a request whose answer was lost.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic

from confluent_kafka import KafkaError, KafkaException

from pulse.absence import OutsideError

MOST = 3
WITHIN_S = 300.0
"""So often within that time a member joins anew: more often there is another of its name, and both would go on for ever."""
PAUSE_S = 1.0
"""Before it joins anew for the first time; before each further time within `WITHIN_S` twice as long, so that one that just goes can go."""

FENCED = frozenset({KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID})
"""Errors after which a consumer is of no more use; for one with a name of its own the fatal ones are all of that kind."""


def is_fenced(error: KafkaError) -> bool:
    """Whether a consumer was fenced by that: a new one is needed."""
    return error.fatal() or error.code() in FENCED


class Fencing:
    """How often a member needed a new consumer of late. `wait` takes seconds, and returns earlier where the process is to end."""

    def __init__(self, wait: Callable[[float], object], clock: Callable[[], float] = monotonic) -> None:
        self._wait = wait
        self._clock = clock
        self._times: deque[float] = deque()

    def bear(self, error: KafkaException) -> None:
        """Return when the member may join anew, after a pause; raises the error itself, at once, where it may not."""
        now = self._clock()
        while self._times and self._times[0] <= now - WITHIN_S:
            self._times.popleft()
        is_bearable = isinstance(error, OutsideError) or is_fenced(error.args[0])
        if not is_bearable or len(self._times) >= MOST:
            raise error
        self._wait(PAUSE_S * 2 ** len(self._times))
        self._times.append(now)
