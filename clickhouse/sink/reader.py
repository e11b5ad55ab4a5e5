"""The consumer: which partitions are ours, where reading them begins, and records as they come."""

from collections.abc import Callable
from logging import getLogger

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from clickhouse.sink import meters
from pulse import end, topics
from pulse.absence import Absence, answers
from pulse.errors import Unavailable
from pulse.fencing import is_fenced
from pulse.reaching import reaching
from pulse.settings import Settings

GROUP = "pulse-sink"
TOPICS = (topics.EVENTS, topics.REJECTED, topics.METRICS, topics.CONFIG, topics.ALERTS)
WHOLE = (topics.CONFIG, topics.ALERTS)
"""Topics that hold little, and whose rows replace themselves: they are read from their beginning at each start."""
ASKED_S = 5.0
FETCHED = 200
LONGEST_BLOCK_MS = 3_600_000
"""A block that a slow store takes its time over must not be taken over in the middle: heartbeats tell who is alive."""

Where = tuple[str, int]
"""A topic and a partition."""

log = getLogger("clickhouse.sink.kafka")


class Reader:
    """A member of the group, once it has `joined`. While `moved` is true nothing is read, until `begin`.

    `leaving` is called while partitions that are being taken away are still ours.
    """

    def __init__(self, settings: Settings, leaving: Callable[[], None]) -> None:
        self.moved = True
        self.joined = False
        self._ours: list[TopicPartition] = []
        self._stored: dict[Where, int] = {}
        self._leaving = leaving
        self._settings = settings
        self._consumer = Consumer(_config(settings), logger=log)
        self._absence = Absence(settings.session_timeout_ms, lambda: answers(self._consumer))

    def join(self) -> None:
        """Become a member of the group."""
        self._consumer.subscribe(
            list(TOPICS), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def renew(self) -> None:
        """Join anew, with a consumer of its own: the one before was fenced or put out, and what it was given is another's."""
        old, self.moved, self.joined, self._ours = self._consumer, True, False, []
        self._consumer = Consumer(_config(self._settings), logger=log)
        end.briefly(old.close)
        self._absence.begin()
        self.join()

    def demand_group(self) -> None:
        """Raise OutsideError where we are outside of the group for too long, though Kafka answers."""
        self._absence.demand()

    def begin(self) -> dict[Where, int]:
        """Read on in all our partitions, one record before each commit; where there is one, its offset.

        Raises Unavailable, also where the partitions are another's by now and we do not know it yet.
        """
        starts, before = [], {}
        committed = self._committed()
        self._demand_membership([at for at in committed if at.offset >= 0])
        for at in committed:
            self._stored[at.topic, at.partition] = max(at.offset, 0)
            known = at.offset > 0 and at.topic not in WHOLE
            starts.append(TopicPartition(at.topic, at.partition, at.offset - 1 if known else OFFSET_BEGINNING))
            if known:
                before[at.topic, at.partition] = at.offset - 1
        self._consumer.assign(starts)
        self.moved = False
        return before

    def pause(self) -> None:
        """Read nothing until the next `begin`."""
        self._consumer.assign([])
        self.moved = True

    def rewind(self, where: Where) -> None:
        """Read a partition from its beginning; what has been fetched of it meanwhile is not handed out."""
        meters.REWINDS.labels(where[0]).inc()
        self._consumer.seek(TopicPartition(*where, OFFSET_BEGINNING))

    def first(self, seconds: float) -> list[Message]:
        """The next record, as soon as there is one within so many seconds."""
        message = self._consumer.poll(seconds)
        return [] if message is None else self._right([message])

    def more(self, seconds: float) -> list[Message]:
        """What comes within so many seconds, but no more than a few hundred records."""
        return self._right(self._consumer.consume(FETCHED, seconds))

    def commit(self, offsets: dict[Where, int], wait: bool = False) -> None:
        """Say that everything before these offsets is stored. A hint: that it fails is no harm."""
        if not offsets:
            return
        self._stored |= offsets
        asked = [TopicPartition(*where, offset) for where, offset in offsets.items()]
        try:
            if wait:
                self._consumer.commit(offsets=asked, asynchronous=False)
            else:
                self._consumer.commit(offsets=asked, asynchronous=True)
        except KafkaException as error:
            log.warning("offsets were not committed: %s", error.args[0].str())

    def measure(self, ask: bool = False) -> None:
        """Note how many records of each topic are not stored; ask Kafka where the topics end, or take its last word."""
        lag = dict.fromkeys(TOPICS, 0)
        try:
            for at in self._ours:
                low, high = self._consumer.get_watermark_offsets(at, timeout=ASKED_S, cached=not ask)
                lag[at.topic] += max(high - max(self._stored.get((at.topic, at.partition), 0), low), 0)
        except KafkaException as error:
            log.warning("Kafka does not say where its topics end: %s", error.args[0].str())
            return
        for topic, records in lag.items():
            meters.LAG.labels(topic).set(records)

    def leave(self, offsets: dict[Where, int]) -> None:
        """Commit these offsets and leave, if Kafka answers: a group finds out by itself who has gone."""
        self.moved = True

        def go() -> None:
            self.commit(offsets, wait=True)
            self._consumer.close()

        if not end.briefly(go):
            log.warning("Kafka does not answer: it was not told how far was read")

    @property
    def has_partitions(self) -> bool:
        """Whether the group has given us something to read."""
        return bool(self._ours)

    @property
    def partitions(self) -> set[int]:
        """The numbers of the partitions that are ours, of whatever topic."""
        return {at.partition for at in self._ours}

    def _committed(self) -> list[TopicPartition]:
        asked = [TopicPartition(at.topic, at.partition) for at in self._ours]
        try:
            found = self._consumer.committed(asked, timeout=ASKED_S) if asked else []
        except KafkaException as error:
            raise Unavailable(f"Kafka does not say where to go on: {error.args[0].str()}") from None
        for at in found:
            if at.error is not None:
                raise Unavailable(f"Kafka does not say where to go on in {at.topic}: {at.error.str()}")
        return list(found)

    def _demand_membership(self, committed: list[TopicPartition]) -> None:
        """Commit what is committed: Kafka refuses that to a member that was frozen and has been replaced."""
        try:
            if committed:
                self._consumer.commit(offsets=committed, asynchronous=False)
        except KafkaException as error:
            raise Unavailable(f"Kafka does not say that the partitions are ours: {error.args[0].str()}") from None

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
        self._ours = partitions
        self.moved = self.joined = True
        self._absence.end()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not self.moved and consumer is self._consumer:
            self._leaving()
        self._on_lost(consumer, partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.unassign()
        if consumer is self._consumer:
            self._ours = []
            self.moved, self.joined = True, False
            self._absence.begin()


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"{GROUP}-{settings.instance}",
        "group.id": GROUP,
        "group.instance.id": settings.instance,
        "session.timeout.ms": settings.session_timeout_ms,
        "max.poll.interval.ms": LONGEST_BLOCK_MS,
        "heartbeat.interval.ms": max(settings.session_timeout_ms // 6, 100),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.message.max.bytes": 1_048_576,
        "fetch.max.bytes": 16_777_216,
        "fetch.queue.backoff.ms": 20,
        "queued.max.messages.kbytes": 32_768,
    }
