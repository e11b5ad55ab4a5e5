"""How old the oldest record of a topic is that a group has yet to take."""

import logging
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from pulse.errors import Unavailable
from pulse.reaching import reaching
from streams.broker import Broker

ASKED_S = 10.0
FETCHED = 100

log = logging.getLogger(__name__)


class Waiting:
    """Asks with a consumer that joins nothing: it never subscribes, and commits nothing. One thread may ask at a time."""

    def __init__(self, broker: Broker, topic: str, group: str) -> None:
        self._broker, self._topic, self._group = broker, topic, group
        config: dict[str, str | int | float | bool] = {
            **reaching(broker.servers),
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 1_024,
        }
        self._consumer = Consumer(config, logger=log)

    def oldest(self) -> int | None:
        """The time (ms since the epoch) of the first record that the group has not taken, None if there is none.

        Raises Unavailable.
        """
        try:
            found = self._consumer.committed(self._all(), timeout=ASKED_S)
            waiting = [first for at in found if (first := self._first(at)) is not None]
            return min(self._times(waiting), default=None)
        except KafkaException as error:
            raise Unavailable(f"Kafka does not tell how far {self._group} is: {error.args[0].str()}") from None

    def _all(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in range(self._broker.partitions(self._topic))]

    def _first(self, at: TopicPartition) -> TopicPartition | None:
        """Where a partition's group goes on, if there is anything."""
        if at.error is not None:
            raise KafkaException(at.error)
        low, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, at.partition), timeout=ASKED_S)
        first = max(at.offset, low)
        return TopicPartition(self._topic, at.partition, first) if first < high else None

    def _times(self, waiting: list[TopicPartition]) -> list[int]:
        """The times of the records at some places."""
        times: dict[int, int] = {}
        until = monotonic() + ASKED_S
        if waiting:
            self._consumer.assign(waiting)
        while len(times) < len(waiting):
            for message in self._consumer.consume(FETCHED, 0.05):
                error = message.error()
                if error is not None and not error.retriable():
                    raise KafkaException(error)
                if error is None:
                    times.setdefault(message.partition() or 0, message.timestamp()[1])
            if monotonic() > until:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        self._consumer.unassign()
        return list(times.values())
