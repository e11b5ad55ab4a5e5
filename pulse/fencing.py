"""A member of a Kafka group that was fenced: another of its name joined, or it did so itself by a request whose answer was lost."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from confluent_kafka import KafkaError, KafkaException

MOST = 3
WITHIN_S = 300.0
"""So often within that time a member joins anew: more often there is another of its name, and both would go on for ever."""

FENCED = frozenset({KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID})
"""Errors after which a consumer is of no more use; for one with a name of its own the fatal ones are all of that kind."""


def is_fenced(error: KafkaError) -> bool:
    """Whether a consumer was fenced by that: a new one is needed."""
    return error.fatal() or error.code() in FENCED


class Fencing:
    """How often a member was fenced of late."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def bear(self, error: KafkaException) -> None:
        """Return if the member may join anew; raises the error itself where it may not."""
        now = self._clock()
        while self._times and self._times[0] <= now - WITHIN_S:
            self._times.popleft()
        if not is_fenced(error.args[0]) or len(self._times) >= MOST:
            raise error
        self._times.append(now)
