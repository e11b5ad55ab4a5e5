"""The loop: gather events of sessions, write them, and only then tell the log that they were read."""

import time
from logging import getLogger
from threading import Event
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import Struct, json

from pulse import end
from pulse.absence import Absence, answers
from pulse.errors import Unavailable
from pulse.lag import true_ends
from pulse.reaching import reaching
from pulse.recordings.keeping import oldest_kept
from pulse.recordings.store import Objects
from pulse.settings import Settings
from pulse.topics import EVENTS
from streams.broker import Broker
from streams.recordings import meters
from streams.recordings.gathered import Gathered
from streams.recordings.take import take
from streams.recordings.write import Writer

GROUP = "pulse-recordings"
FETCHED = 200
WAIT_S = 0.25
ASKED_S = 10.0
SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
LONGEST_WRITE_MS = 3_600_000
"""How long a store may be away before the partitions go to another process, which would wait for it likewise."""

WAITING = "waiting for the group"

log = getLogger(__name__)


class _Broker(Struct):
    state: str = ""


class _Stats(Struct):
    """What the client tells of itself, as far as it matters here."""

    brokers: dict[str, _Broker] = {}


class Recording:
    """Reads and writes until `stop` is set. What was gathered and not written is read again by whoever comes next."""

    def __init__(self, settings: Settings, objects: Objects, stop: Event) -> None:
        self.kafka = WAITING
        self.store = "ok"
        self._settings, self._stop = settings, stop
        self._writer = Writer(objects)
        self._gathered = Gathered()
        self._ours: set[int] = set()
        given = {**_config(settings), "error_cb": self._on_error, "stats_cb": self._on_stats}
        self._consumer = Consumer(given, logger=getLogger("streams.recordings.kafka"))
        self._absence = Absence(settings.session_timeout_ms, lambda: answers(self._consumer))

    def checks(self) -> dict[str, str]:
        """What the process needs, each with "ok" or what is wrong with it."""
        return {"kafka": self.kafka, "store": self.store}

    def run(self) -> None:
        """Return when `stop` is set and what was gathered is written, or cannot be just now.

        Raises KafkaException where Kafka will not have us.
        """
        self._consumer.subscribe([EVENTS], on_assign=self._on_assign, on_revoke=self._on_moved, on_lost=self._on_moved)
        while not self._stop.is_set() and self._step():
            pass
        self._keep()
        self._writer.close()
        end.briefly(self._consumer.close)

    def _step(self) -> bool:
        """Gather what there is; False where what was due could not be written before the end."""
        self._absence.demand()
        for message in self._consumer.consume(FETCHED, WAIT_S):
            self._take(message)
            if self._is_due() and not self._keep():
                return False
        return not self._is_due() or self._keep()

    def _is_due(self) -> bool:
        return self._gathered.is_due(time.monotonic(), self._settings.recordings_seconds)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self._complain(error)
            return
        if message.partition() not in self._ours:
            return  # it was fetched together with the word that its partition goes to another
        if not self._gathered.next:
            self._gathered.began = time.monotonic()
        taken = take(message.value() or b"")
        old = self._gathered.add(taken.seen, oldest_kept(_now_ms(), self._settings.recordings_days))
        self._gathered.next[message.partition() or 0] = (message.offset() or 0) + 1
        meters.EVENTS.labels("kept").inc(len(taken.seen) - old)
        meters.EVENTS.labels("old").inc(old)
        meters.EVENTS.labels("sessionless").inc(taken.sessionless)
        meters.EVENTS.labels("declined").inc(taken.declined)
        meters.EVENTS.labels("unreadable").inc(taken.unreadable)
        meters.GATHERED.set(self._gathered.size)

    def _complain(self, error: KafkaError) -> None:
        log.warning("Kafka: %s", error.str())
        if error.fatal() or error.code() in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID):
            raise KafkaException(error)

    def _keep(self) -> bool:
        """Write what is gathered, however long the store is away, and commit; nothing, and False, if it was not before the end."""
        if not self._gathered.next:
            return True
        is_written = self._written()
        if is_written:
            self._commit(self._gathered.next)
        self._forget()
        return is_written

    def _written(self) -> bool:
        pause_s = SHORTEST_PAUSE_S
        while True:
            try:
                with meters.SECONDS.time():
                    self._writer.write(self._gathered)
                self.store = "ok"
                return True
            except Unavailable as error:
                meters.FAILED.inc()
                self.store = str(error)
                log.warning("%s; again in %.1f s", error, pause_s)
            if self._stop.wait(pause_s):
                return False
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _commit(self, reached: dict[int, int]) -> None:
        offsets = [TopicPartition(EVENTS, partition, offset) for partition, offset in reached.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("offsets were not committed, events are read again: %s", error.args[0].str())

    def _on_error(self, error: KafkaError) -> None:
        log.warning("Kafka: %s", error.str())

    def _on_stats(self, text: str) -> None:
        """Each few seconds: whether any broker is reached, also while nothing is written to the log."""
        brokers = json.decode(text, type=_Stats).brokers.values()
        if not any(each.state == "UP" for each in brokers):
            self.kafka = "does not answer"
        elif self.kafka == "does not answer":
            self.kafka = "ok" if self._ours else WAITING

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        stands = _begun(self._settings.kafka_url, consumer, partitions)
        consumer.assign(stands)
        self._ours = {at.partition for at in stands}
        self.kafka = "ok"
        self._absence.end()

    def _on_moved(self, *_: object) -> None:
        """Partitions go to another, who reads them from the last commit on."""
        self._ours = set()
        self.kafka = WAITING
        self._absence.begin()
        self._forget()

    def _forget(self) -> None:
        self._gathered = Gathered()
        meters.GATHERED.set(0)


def _begun(kafka_url: str, consumer: Consumer, ours: list[TopicPartition]) -> list[TopicPartition]:
    """Where we go on. A group that has never read begins now, with all partitions: the log tells of before somebody decided to record.

    That is committed at once, so that nothing from now on is missed by a death before the first write. A partition that was
    added since is read from its first record. Raises KafkaException and Unavailable.

    How many there are is asked by another client: asked within its own callback, the driver aborts at the next one.
    """
    found = range(Broker(kafka_url).partitions(EVENTS))
    everywhere = consumer.committed([TopicPartition(EVENTS, each) for each in found], timeout=ASKED_S)
    if all(at.offset < 0 for at in everywhere):
        ends = true_ends(kafka_url, {(EVENTS, at.partition): _end(consumer, at) for at in everywhere})
        everywhere = [TopicPartition(EVENTS, partition, end) for (_, partition), end in ends.items()]
        consumer.commit(offsets=everywhere, asynchronous=False)
    reached = {at.partition: at.offset for at in everywhere if at.offset >= 0}
    return [TopicPartition(EVENTS, at.partition, reached.get(at.partition, OFFSET_BEGINNING)) for at in ours]


def _end(consumer: Consumer, at: TopicPartition) -> int:
    _, end = consumer.get_watermark_offsets(TopicPartition(EVENTS, at.partition), timeout=ASKED_S)
    return end


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _config(settings: Settings) -> dict[str, Any]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"{GROUP}-{settings.instance}",
        "group.id": GROUP,
        "group.instance.id": settings.instance,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(settings.session_timeout_ms // 6, 100),
        "max.poll.interval.ms": LONGEST_WRITE_MS,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "statistics.interval.ms": 2_000,
        "fetch.wait.max.ms": 500,
        "fetch.message.max.bytes": 1_048_576,
        "queued.max.messages.kbytes": 32_768,
    }
