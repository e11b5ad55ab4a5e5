"""The consumer of minute aggregates: which partitions are ours, and how far what they hold has been evaluated."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from pulse import end
from pulse.absence import Absence, answers
from pulse.errors import Unavailable
from pulse.fencing import is_fenced
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import METRICS

GROUP = "pulse-alerts"
MINUTES = "pulse-alerts-minutes"
"""A group that nobody joins. Its offsets are minutes: brokers keep an offset's metadata or do not, its number all do."""
ASKED = "pulse-alerts-asked"
"""The same for rules on stored events, which may be further behind."""
ASKED_S = 5.0
FETCHED = 500
LONGEST_LOADING_MS = 3_600_000

log = logging.getLogger(__name__)


class Reached(NamedTuple):
    """Up to which offset a partition is read, and the last minutes (since the epoch) that are closed: `minute` for rules
    on minute aggregates, `asked` for those on stored events.
    """

    offset: int
    minute: int
    asked: int


class Evaluated(NamedTuple):
    """The last minutes (since the epoch) that were closed before, as in `Reached`."""

    minute: int
    asked: int


class Reader:
    """A member of the group. While `moved` is true nothing is read, until `begin`."""

    def __init__(self, settings: Settings) -> None:
        self.moved = True
        self._ours: list[int] = []
        self._settings = settings
        self._consumer = Consumer(_config(settings), logger=log)
        self._absence = Absence(settings.session_timeout_ms, lambda: answers(self._consumer))
        self._minutes, self._asked = _unjoined(settings, MINUTES), _unjoined(settings, ASKED)

    def join(self) -> None:
        """Become a member of the group."""
        self._consumer.subscribe([METRICS], on_assign=self._on_assign, on_revoke=self._on_gone, on_lost=self._on_gone)

    def renew(self) -> None:
        """Join anew, with a consumer of its own: the one before was fenced or put out, and knows nothing any more."""
        old, self.moved, self._ours = self._consumer, True, []
        self._consumer = Consumer(_config(self._settings), logger=log)
        end.briefly(old.close)
        self._absence.begin()
        self.join()

    def demand_group(self) -> None:
        """Raise OutsideError where we are outside of the group for too long, though Kafka answers."""
        self._absence.demand()

    @property
    def partitions(self) -> list[int]:
        """Those that are ours."""
        return list(self._ours)

    def evaluated(self) -> dict[int, Evaluated]:
        """How far our partitions were evaluated, of those of which it is known; raises Unavailable."""
        minutes, asked = self._committed(self._minutes), self._committed(self._asked)
        return {number: Evaluated(minute, asked.get(number, minute)) for number, minute in minutes.items()}

    def _committed(self, consumer: Consumer) -> dict[int, int]:
        asked = [TopicPartition(METRICS, number) for number in self._ours]
        try:
            found = consumer.committed(asked, timeout=ASKED_S) if asked else []
        except KafkaException as error:
            raise Unavailable(f"Kafka does not say how far rules were evaluated: {error.args[0].str()}") from None
        for at in found:
            if at.error is not None:
                raise Unavailable(f"Kafka does not say how far rules were evaluated: {at.error.str()}")
        return {at.partition: at.offset for at in found if at.offset > 0}

    def begin(self, starts: Mapping[int, int]) -> None:
        """Read our partitions from these offsets on."""
        self._consumer.assign([TopicPartition(METRICS, number, offset) for number, offset in starts.items()])
        self.moved = False

    def pause(self) -> None:
        """Read nothing until the next `begin`."""
        self._consumer.assign([])
        self.moved = True

    def take(self, seconds: float) -> list[Message]:
        """What comes within so many seconds; returns as soon as there is something."""
        first = self._consumer.poll(seconds)
        if first is None:
            return []
        return self._right([first, *self._consumer.consume(FETCHED, 0)])

    def end(self, number: int, *, ask: bool = False) -> int:
        """The offset after the last record of a partition, as it was told last; raises Unavailable if it must be asked.

        Before the first records of a partition came nothing was told: then it is asked.
        """
        try:
            _, high = self._consumer.get_watermark_offsets(
                TopicPartition(METRICS, number), timeout=ASKED_S, cached=not ask
            )
        except KafkaException as error:
            raise Unavailable(f"Kafka does not tell the end of {METRICS}: {error.args[0].str()}") from None
        return self.end(number, ask=True) if high < 0 and not ask else int(high)

    def commit(self, reached: Mapping[int, Reached], *, wait: bool = False) -> None:
        """Say how far partitions are read and evaluated. A hint: that it fails makes more to be evaluated again."""
        offsets = [TopicPartition(METRICS, n, at.offset) for n, at in reached.items()]
        minutes = [TopicPartition(METRICS, n, at.minute) for n, at in reached.items()]
        asked = [TopicPartition(METRICS, n, at.asked) for n, at in reached.items()]
        try:
            for consumer, told in ((self._consumer, offsets), (self._minutes, minutes), (self._asked, asked)):
                if told and wait:
                    consumer.commit(offsets=told, asynchronous=False)
                elif told:
                    consumer.commit(offsets=told, asynchronous=True)
        except KafkaException as error:
            log.warning("offsets were not committed: %s", error.args[0].str())

    def close(self, reached: Mapping[int, Reached] | None = None) -> None:
        """Commit this and leave, if Kafka answers: a group finds out by itself who has gone."""
        self.moved = True

        def go() -> None:
            self.commit(reached or {}, wait=True)
            self._consumer.close()
            self._minutes.close()
            self._asked.close()

        if not end.briefly(go):
            log.warning("Kafka does not answer: it was not told how far rules were evaluated")

    def _right(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            error = message.error()
            if error is not None:
                log.warning("Kafka: %s", error.str())
                if is_fenced(error):
                    raise KafkaException(error)
        return [] if self.moved else [message for message in messages if message.error() is None]

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign([])
        self._ours = sorted(at.partition for at in partitions)
        self.moved = True
        self._absence.end()

    def _on_gone(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.unassign()
        if consumer is self._consumer:
            self._ours = []
            self.moved = True
            self._absence.begin()


def _unjoined(settings: Settings, group: str) -> Consumer:
    """A consumer that keeps offsets under the name of a group, and joins nothing."""
    return Consumer({**reaching(settings.kafka_url), "group.id": group, "enable.auto.commit": False}, logger=log)


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"{GROUP}-{settings.instance}",
        "group.id": GROUP,
        "group.instance.id": settings.instance,
        "session.timeout.ms": settings.session_timeout_ms,
        "max.poll.interval.ms": LONGEST_LOADING_MS,
        "heartbeat.interval.ms": max(settings.session_timeout_ms // 6, 100),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.queue.backoff.ms": 20,
        "queued.max.messages.kbytes": 32_768,
    }
