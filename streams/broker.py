"""Questions to Kafka beside the streams' own consuming: which log this is, where a group stands, what a log holds.

All of them block, and raise Unavailable where the broker does not answer.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, TopicDescription  # type: ignore[attr-defined]

from pulse.errors import Unavailable
from pulse.reaching import reaching

ASKED_S = 5.0
SILENT_S = 10.0
FETCHED = 500
POLLED_S = 0.1

_SILENT = logging.getLogger("streams.librdkafka")
_SILENT.setLevel(logging.CRITICAL)

Where = tuple[str, int]
"""A topic and a partition."""


class Broker:
    """A cluster under its bootstrap servers; connects when first asked."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self._config: dict[str, str | int | float | bool] = reaching(servers)
        self._admin = AdminClient(self._config, logger=_SILENT)

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The id of each topic: one that was made anew under its old name has another."""
        return {name: str(topic.topic_id) for name, topic in self._described(names).items()}

    def partitions(self, name: str) -> int:
        """How many partitions a topic has."""
        return len(self._described([name])[name].partitions)

    def starts(self, group: str, wheres: Iterable[Where]) -> dict[Where, int]:
        """Where a group goes on in each partition: at its committed offset, else at the beginning."""
        asked = [TopicPartition(topic, partition) for topic, partition in wheres]
        with closing(self._consumer(group)) as consumer:
            try:
                found = consumer.committed(asked, timeout=ASKED_S) if asked else []
                for at in found:
                    if at.error:
                        raise KafkaException(at.error)
                return {
                    (at.topic, at.partition): at.offset if at.offset >= 0 else self._low(consumer, at) for at in found
                }
            except KafkaException as error:
                raise self._away(error) from None

    def ends(self, wheres: Iterable[Where]) -> dict[Where, int]:
        """The offset after the last record of each partition."""
        with closing(self._consumer("pulse-streams-ends")) as consumer:
            try:
                return {
                    where: consumer.get_watermark_offsets(TopicPartition(*where), timeout=ASKED_S)[1]
                    for where in wheres
                }
            except KafkaException as error:
                raise self._away(error) from None

    def has_forgotten(self, where: Where) -> bool:
        """Whether a partition no longer has the first of its records."""
        with closing(self._consumer("pulse-streams-begin")) as consumer:
            try:
                return self._low(consumer, TopicPartition(*where)) > 0
            except KafkaException as error:
                raise self._away(error) from None

    def begin_of(self, where: Where, since_ms: int) -> tuple[int, int]:
        """The first offset of a partition, and one at or before the first record of a time, in ms since the epoch.

        Where no record is of that time or later, that of the last one.
        """
        with closing(self._consumer("pulse-streams-begin")) as consumer:
            try:
                low, high = consumer.get_watermark_offsets(TopicPartition(*where), timeout=ASKED_S)
                [at] = consumer.offsets_for_times([TopicPartition(*where, max(since_ms, 0))], timeout=ASKED_S)
            except KafkaException as error:
                raise self._away(error) from None
            if at.error:
                raise self._away(KafkaException(at.error))
            return low, at.offset if at.offset >= 0 else max(low, high - 1)

    def at(self, where: Where, offset: int) -> Message | None:
        """The first record of a partition from an offset on."""
        return next(self.read(where, offset), None)

    def firsts(self, where: Where, moments: Iterable[int]) -> list[Message | None]:
        """For each of some moments, in ms since the epoch, the first record of its time or later."""
        found = []
        with closing(self._consumer("pulse-streams-firsts")) as consumer:
            try:
                for moment in moments:
                    [at] = consumer.offsets_for_times([TopicPartition(*where, max(moment, 0))], timeout=ASKED_S)
                    if at.error:
                        raise KafkaException(at.error)
                    found.append(_one(consumer, TopicPartition(*where, at.offset)) if at.offset >= 0 else None)
            except KafkaException as error:
                raise self._away(error) from None
        return found

    def read(self, where: Where, offset: int) -> Iterator[Message]:
        """The records of a partition from an offset (negative: its end) to its end as it is when that is reached."""
        with closing(self._consumer("pulse-streams-read")) as consumer:
            try:
                consumer.assign([TopicPartition(*where, offset)])
                yield from _to_end(consumer)
            except KafkaException as error:
                raise self._away(error) from None

    def _described(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        found = {}
        for name, asked in self._admin.describe_topics(TopicCollection(list(names)), request_timeout=ASKED_S).items():
            try:
                found[name] = asked.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise Unavailable(
                        f"Kafka at {self.servers} has no topic {name}: run `python -m streams.topics`"
                    ) from None
                raise self._away(error) from None
        return found

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {
                **self._config,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 65_536,
            },
            logger=_SILENT,
        )

    def _low(self, consumer: Consumer, at: TopicPartition) -> int:
        low: int = consumer.get_watermark_offsets(at, timeout=ASKED_S)[0]
        return low

    def _away(self, error: KafkaException) -> Unavailable:
        return Unavailable(f"Kafka at {self.servers} does not answer ({error.args[0].str()})")


def _one(consumer: Consumer, at: TopicPartition) -> Message | None:
    consumer.assign([at])
    return next(_to_end(consumer), None)


def _to_end(consumer: Consumer) -> Iterator[Message]:
    heard = monotonic()
    while monotonic() - heard < SILENT_S:
        for message in _some(consumer):
            heard = monotonic()
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                return
            elif not error.retriable():
                raise KafkaException(error)
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def _some(consumer: Consumer) -> list[Message]:
    """What has come, at once: told to wait, `consume` waits its whole time for as many as are asked for."""
    first = consumer.poll(POLLED_S)
    return [first, *consumer.consume(FETCHED, timeout=0)] if first is not None else []
