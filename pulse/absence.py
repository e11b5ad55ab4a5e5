"""A member of a Kafka group that is outside of it: it was put out, or waits to be let in, and its client may have forgotten to ask.

A client that lost its group while the broker was away has been seen not to join again, without a word, though the broker
answered. Whoever is outside for too long joins anew, with a client of its own.
"""

from collections.abc import Callable
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException

SESSIONS = 10
"""For so many times as long as a session may be silent a member waits to be let in: others may have to end their work first."""
LONGEST_S = 600.0
ASKED_S = 2.0


class OutsideError(KafkaException):
    """The group has let a member wait for too long: a new consumer is needed."""


class Absence:
    """For how long a member is outside of its group; it begins outside. `answers` tells whether Kafka does."""

    def __init__(
        self, session_timeout_ms: int, answers: Callable[[], bool], clock: Callable[[], float] = monotonic
    ) -> None:
        self._first_s = self._patience_s = SESSIONS * session_timeout_ms / 1000
        self._answers = answers
        self._clock = clock
        self._since: float | None = clock()

    def begin(self) -> None:
        """The member was put out of its group, or has left it to join anew."""
        self._since = self._clock()

    def end(self) -> None:
        """The member is in its group, be there something for it or not."""
        self._since, self._patience_s = None, self._first_s

    def demand(self) -> None:
        """Raise OutsideError where the member is outside for too long, and Kafka answers; next time after twice as long."""
        if self._since is None or self._clock() - self._since < self._patience_s:
            return
        outside_s, self._since = self._clock() - self._since, self._clock()
        if self._answers():
            self._patience_s = min(self._patience_s * 2, LONGEST_S)
            raise OutsideError(KafkaError(KafkaError._STATE, f"outside of its group for {outside_s:.0f} s"))


def answers(consumer: Consumer) -> bool:
    """Whether Kafka answers a consumer."""
    try:
        return bool(consumer.list_topics(timeout=ASKED_S).brokers)
    except KafkaException:
        return False
