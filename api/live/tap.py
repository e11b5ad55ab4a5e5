"""The newest of the log: read by a consumer of no group in a thread, given to the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from threading import Event, Semaphore, Thread
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from xxhash import xxh3_64_hexdigest

from api.live.item import Read
from api.live.partitions import ANSWER_S, added, has_lost
from api.live.position import TOPICS, Mark, Where
from api.live.record import Repetitions, read
from pulse import end
from pulse.errors import Unavailable
from pulse.reaching import reaching
from pulse.topics import EVENTS

FETCHED = 200
POLL_S = 0.1
GATHERED_S = 0.01
"""For so long what comes with a record is waited for: `consume` returns when it has as many as it may, or the time is over."""
PAUSE_S = 2.0
LOOK_S = 10.0
"""So often it is looked for partitions that were added."""
AHEAD = 4
"""So many batches may wait for the event loop before no more is read."""
QUIET = logging.getLogger("api.live.librdkafka")
QUIET.setLevel(logging.CRITICAL)

log = logging.getLogger(__name__)


class Starts:
    """Where reading begins: the log's name, and for each partition the first offset to read and the present end."""

    def __init__(self, log: str, begins: Mapping[Where, int], ends: Mapping[Where, int]) -> None:
        self.log = log
        self.begins = begins
        self.ends = ends


class Told(NamedTuple):
    """Who is told what a tap finds, in the event loop.

    `opened` is called with where reading begins, again if the log is made anew; `taken` with what is read; `extended` with
    partitions that were added, each with its first offset; `jumped` with the offset before which a partition lost something.
    """

    opened: Callable[[Starts], None]
    taken: Callable[[Sequence[Read]], None]
    extended: Callable[[Mapping[Where, int]], None]
    jumped: Callable[[Where, int], None]


class Tap:
    """Reads what is at most `reach_ms` old, and what comes."""

    def __init__(self, servers: str, fetch_wait_ms: int, reach_ms: int, told: Told) -> None:
        self._config: dict[str, Any] = {
            **reaching(servers),
            "group.id": "pulse-live",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": fetch_wait_ms,
            "queued.max.messages.kbytes": 32_768,
        }
        self._servers = servers
        self._reach_ms = reach_ms
        self._told = told
        self._stop = Event()
        self._thread = Thread(target=self._run, name="tap", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._repetitions = Repetitions()
        self._room = Semaphore(AHEAD)
        self.fault = "the log has not been read yet"

    def begin(self) -> None:
        """Start reading; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Read no more; what still waits for a Kafka that is away is not waited for."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, end.LEAVING_S)

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:
            if not self._stop.is_set():
                log.exception("the log is not read any more")
                end.at_once(f"the log is not read any more ({error})")

    def _read(self) -> None:
        while not self._stop.is_set():
            starts = self._found()
            if starts is not None:
                self._repetitions = Repetitions()
                self._tell(self._told.opened, starts)
                self._follow(starts)

    def _follow(self, starts: Starts) -> None:
        """Read until told to stop, or until the log turns out to be another one: its offsets begin anew."""
        position, looked = dict(starts.begins), time.monotonic()
        with closing(Consumer(self._config, logger=QUIET)) as consumer:
            consumer.assign([TopicPartition(*where, offset) for where, offset in starts.begins.items()])
            while not self._stop.is_set():
                if time.monotonic() - looked > LOOK_S:
                    self._look(consumer, position)
                    looked = time.monotonic()
                records = self._readings(_come(consumer))
                for record in records:
                    expected = position[record.where]
                    if record.offset < expected:
                        log.warning("the log was made anew")
                        return
                    if record.offset > expected:
                        self._jump(consumer, record, expected)
                    position[record.where] = record.offset + 1
                if records:
                    self._give(records)
                elif self.fault != "ok":
                    self._ask(consumer)

    def _look(self, consumer: Consumer, position: dict[Where, int]) -> None:
        """Read partitions too that were added, from their beginning."""
        with suppress(KafkaException):
            begins = added(consumer, position)
            if begins:
                log.info("the log has more partitions", extra={"partitions": sorted(map(str, begins))})
                position.update(begins)
                self._tell(self._told.extended, begins)
                consumer.incremental_assign([TopicPartition(*where, offset) for where, offset in begins.items()])

    def _jump(self, consumer: Consumer, record: Read, expected: int) -> None:
        """Tell of what a partition has no longer, though it was not read; that it has gaps of its own means nothing."""
        if has_lost(consumer, record.where, expected):
            log.warning(
                "the log has lost %d records of %s %d before they were read", record.offset - expected, *record.where
            )
            self._tell(self._told.jumped, record.where, record.offset)

    def _found(self) -> Starts | None:
        while not self._stop.is_set():
            try:
                starts = self._starts()
            except (Unavailable, KafkaException) as error:
                self.fault = f"Kafka at {self._servers} does not answer ({error})"
                self._stop.wait(PAUSE_S)
            else:
                self.fault = "ok"
                return starts
        return None

    def _starts(self) -> Starts:
        since = time.time_ns() // 1_000_000 - self._reach_ms
        admin = AdminClient(reaching(self._servers), logger=QUIET)
        described = admin.describe_topics(TopicCollection(list(TOPICS)), request_timeout=ANSWER_S)
        topics = {name: asked.result() for name, asked in described.items()}
        wheres = [Where(name, number) for name in TOPICS for number in range(len(topics[name].partitions))]
        name = xxh3_64_hexdigest("".join(str(topics[name].topic_id) for name in TOPICS).encode())[:10]
        with closing(Consumer(self._config, logger=QUIET)) as consumer:
            bounds = {w: consumer.get_watermark_offsets(TopicPartition(*w), timeout=ANSWER_S) for w in wheres}
            asked = [TopicPartition(*where, since) for where in wheres]
            found = consumer.offsets_for_times(asked, timeout=ANSWER_S)
        begins = {Where(at.topic, at.partition): at.offset for at in found}
        ends = {where: high for where, (_, high) in bounds.items()}
        return Starts(name, {where: _within(begins[where], *bounds[where]) for where in wheres}, ends)

    def _readings(self, messages: Sequence[Message]) -> list[Read]:
        """What records hold; of one that is a repetition, nothing."""
        found = []
        for message in messages:
            error = message.error()
            if error is not None:
                self._heard(str(error))
                continue
            where, offset = Where(message.topic() or "", message.partition() or 0), message.offset() or 0
            is_one = where.topic == EVENTS and self._repetitions.is_one(where.partition, message.headers())  # type: ignore[arg-type]
            value = b"" if is_one else message.value() or b""
            found.append(read(where, offset, bytes(value)))
            self._heard("ok")
        return found

    def _ask(self, consumer: Consumer) -> None:
        """See whether a broker that had a fault is there again, though nothing new is read."""
        with suppress(KafkaException):
            consumer.get_watermark_offsets(TopicPartition(EVENTS, 0), timeout=ANSWER_S)
            self._heard("ok")

    def _heard(self, fault: str) -> None:
        if (fault == "ok") != (self.fault == "ok"):
            log.warning("reading the log: %s", fault)
        self.fault = fault

    def _give(self, records: Sequence[Read]) -> None:
        """Give records to the event loop, once it has taken what it was given before."""
        while not self._room.acquire(timeout=POLL_S):
            if self._stop.is_set():
                return
        self._tell(self._take, records)

    def _take(self, records: Sequence[Read]) -> None:
        self._room.release()
        self._told.taken(records)

    def _tell(self, call: Callable[..., None], *what: object) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call, *what)


def _come(consumer: Consumer) -> list[Message]:
    """What comes; returns soon after there is something."""
    first = consumer.poll(POLL_S)
    return [] if first is None else [first, *consumer.consume(FETCHED - 1, GATHERED_S)]


def _within(offset: int, low: int, high: int) -> int:
    """An offset between the first and the next one of a partition; the next one where no record is of the time."""
    return high if offset < 0 else min(max(offset, low), high)


def has_reached(position: Mapping[Where, Mark], ends: Mapping[Where, int]) -> bool:
    """Whether everything before some ends has been read."""
    return all(position[where].offset >= end for where, end in ends.items())
