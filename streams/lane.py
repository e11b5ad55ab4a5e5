"""Reading a lane that yields: by hand, at the pace that it is told to, beside the consumer of the live one.

Faust would read it with the live lane through one loop, which stands still for both where one of the two does not take
its records. So this consumer joins nothing. It reads the partitions that its owner tells it to, and the group it commits
to has no members: there is no assignment to go wrong, and partition p of both lanes is always one process's.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import REFINING
from streams.broker import Where
from streams.record import Taken, told

COMMIT_EACH_S = 1.0

log = logging.getLogger(__name__)


class Lane:
    """A topic's partitions, as far as they are told to be ours. Never blocks."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.topic = topic
        self._consumer = Consumer(_config(settings, REFINING[topic]), logger=log)
        self._next: dict[Where, int] = {}
        self._timestamps: dict[Where, int] = {}
        self._uncommitted: set[Where] = set()
        self._committed = monotonic()

    def begin(self, starts: Mapping[Where, int]) -> None:
        """These partitions are ours, each from an offset on."""
        self._next, self._timestamps, self._uncommitted = dict(starts), {}, set()
        self._consumer.assign([TopicPartition(*where, offset) for where, offset in starts.items()])

    def standing(self) -> dict[Where, tuple[int, int]]:
        """For each partition the next offset, and the timestamp in ms of the last record that is done, 0 if none is."""
        return {where: (offset, self._timestamps.get(where, 0)) for where, offset in self._next.items()}

    def highwater(self, where: Where) -> int | None:
        """Where a partition ends, as far as the consumer was told with its last fetch."""
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(*where), cached=True)
        except KafkaException:
            return None
        return high if high >= 0 else None

    def take(self, most_lines: int) -> list[Taken]:
        """What is there, up to so many lines or one record; raises KafkaException where it will never be."""
        records: list[Taken] = []
        lines = 0
        while lines < most_lines and (message := self._consumer.poll(0)) is not None:
            record = _taken(message)
            if record is not None and (record.topic, record.partition) in self._next:
                records.append(record)
                lines += record.value.count(b"\n")
        return records

    def done(self, records: Sequence[Taken]) -> None:
        """What was made of these is in the log."""
        for record in records:
            where = record.topic, record.partition
            self._next[where] = record.offset + 1
            self._timestamps[where] = record.timestamp
            self._uncommitted.add(where)

    def commit(self) -> None:
        """Say now and then where to go on. A hint: that it fails is no harm, since what was refined is told by the output."""
        if not self._uncommitted or monotonic() - self._committed < COMMIT_EACH_S:
            return
        taken = [TopicPartition(*where, self._next[where]) for where in self._uncommitted]
        self._uncommitted, self._committed = set(), monotonic()
        try:
            self._consumer.commit(offsets=taken, asynchronous=True)
        except KafkaException as error:
            log.warning("offsets were not committed: %s", error.args[0].str())


def gaps(records: Iterable[Taken], standing: Mapping[Where, tuple[int, int]]) -> dict[Where, tuple[int, int]]:
    """Where records do not follow upon each other: of each such partition the offset expected and the one found."""
    expected = {where: offset for where, (offset, _) in standing.items()}
    found: dict[Where, tuple[int, int]] = {}
    for record in records:
        where = record.topic, record.partition
        if record.offset != expected[where]:
            found.setdefault(where, (expected[where], record.offset))
        expected[where] = record.offset + 1
    return found


def _taken(message: Message) -> Taken | None:
    error = message.error()
    if error is None:
        return told(message)
    if error.fatal():
        raise KafkaException(error)
    log.warning("Kafka: %s", error.str())
    return None


def _config(settings: Settings, group: str) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.message.max.bytes": 1_048_576,
        "queued.max.messages.kbytes": 1_024,
    }
