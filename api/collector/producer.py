"""The way into the raw log, of either lane: records sent, and settled when the broker has them on all its replicas or will not."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.collector import kafkafault
from api.collector.gather import Record
from api.collector.tally import Tally
from pulse.reaching import reaching
from pulse.topics import MAX_RECORD_BYTES

POLL_S = 0.001
"""How often acknowledgements are fetched while some are awaited. On the loop's own thread: another thread would
wait for the interpreter up to 5 ms at each."""
IDLE_POLL_S = 0.25
FIRST_S = 5.0
"""The least time that a new producer has for its first acknowledgement: it finds its broker, its number and the topic
first, and one given up before that would be followed by others that get no further, each sending the same again."""
SILENT = "the broker has acknowledged nothing for too long"

log = logging.getLogger(__name__)

GivenUp = Callable[[list[Record], str], None]
"""Takes, in the order in which they were sent, the records that are not acknowledged, and why."""


class RawLog:
    """Sends records to the raw log. Belongs to one event loop; `connect` and `stop` frame its use.

    `on_trouble` is called whenever the broker fails at something, `on_connected` when there is a new producer. With
    `on_given_up`, the first failure ends the producer, and all that it has not acknowledged is given up together;
    without, each record fails by itself. While `is_pressed`, so does a broker that is silent for `silent_ms`.
    """

    def __init__(self, bootstrap: str, timeout_ms: int, silent_ms: int, queue_bytes: int, tally: Tally) -> None:
        self._config = {
            **reaching(bootstrap),
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "compression.level": 1,
            "linger.ms": 0,
            "message.max.bytes": MAX_RECORD_BYTES + 100_000,
            "delivery.timeout.ms": timeout_ms,
            "queue.buffering.max.kbytes": max(queue_bytes // 512, 4 * MAX_RECORD_BYTES // 1024),
        }
        self._timeout_s = timeout_ms / 1000
        self._silent_s = min(silent_ms, timeout_ms) / 1000
        self._tally = tally
        self._producer: Producer | None = None
        self._awaited: deque[Record] = deque()
        self._tick: asyncio.TimerHandle | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._none_awaited = asyncio.Event()
        self._none_awaited.set()
        self._heard = 0.0
        self._is_broken = self._is_ending = self._is_proven = False
        self._number = 0
        self.in_flight_bytes = 0
        self.in_flight = 0
        self.acknowledged = 0
        self.is_pressed = False
        self.on_trouble: Callable[[], None] = lambda: None
        self.on_connected: Callable[[], None] = lambda: None
        self.on_given_up: GivenUp | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there is a producer that can send."""
        return self._producer is not None and not self._is_broken

    @property
    def is_broken(self) -> bool:
        """Whether the broker takes nothing more of this producer."""
        return self._is_broken

    @property
    def is_idle(self) -> bool:
        """Whether no record waits for its acknowledgement."""
        return not self.in_flight

    def connect(self) -> None:
        """Begin with a new producer. What the one before had not acknowledged is given up: its log may be gone."""
        self.disconnect(kafkafault.BROKEN if self._is_broken else "the log was replaced")
        self._is_broken = self._is_ending = self._is_proven = False
        self._number += 1
        self._producer = Producer({**self._config, "error_cb": partial(self._noted, self._number)}, logger=log)
        self._schedule(0)
        self.on_connected()

    def lost(self) -> None:
        """The broker is away. A producer asks for its topic when it is back, and some brokers make it then, as they
        like: there must be none, unless records wait that nobody else would keep.
        """
        if self.is_idle or self.on_given_up is not None:
            self.disconnect("the broker is away")

    def disconnect(self, why: str) -> None:
        """Give up the producer, and with it all that is not acknowledged."""
        retired, self._producer = self._producer, None
        if retired is not None:
            retired.purge(blocking=False)
            closing = asyncio.create_task(asyncio.to_thread(_close, retired))
            self._retired.add(closing)
            closing.add_done_callback(self._retired.discard)
        given_up = [record for record in self._awaited if not record.is_out]
        self._awaited.clear()
        for record in given_up:
            self._leave(record, why)
        if self.on_given_up is not None:
            self.on_given_up(given_up, why)
        else:
            for record in given_up:
                record.settle(why)

    def send(self, record: Record) -> None:
        """Send a sealed record; it is settled on acknowledgement, on failure, or when its time is over."""
        self.in_flight += 1
        self._none_awaited.clear()
        self.in_flight_bytes += record.size
        record.due = asyncio.get_running_loop().time() + self._timeout_s
        self._awaited.append(record)
        if not self._is_ending:
            self._produce(record)
        if self.on_given_up is None:
            record.payload = b""
        if self.in_flight == 1:
            self._schedule(POLL_S)

    def _produce(self, record: Record) -> None:
        try:
            if self._producer is None:
                raise BufferError("not connected")
            told = partial(self._delivered, record)
            self._producer.produce(record.topic, record.payload, partition=record.partition, on_delivery=told)
        except BufferError as error:
            self._fail(record, str(error))
        except KafkaException as error:
            self._fail(record, self._told(error.args[0]))

    async def stop(self) -> None:
        """Wait for what is on its way, within its time, then close."""
        await self._none_awaited.wait()
        self.disconnect("stopped")
        await asyncio.gather(*self._retired)
        if self._tick is not None:
            self._tick.cancel()

    def _schedule(self, delay: float) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = asyncio.get_running_loop().call_later(delay, self._poll)

    def _poll(self) -> None:
        try:
            if self._producer is not None:
                self._producer.poll(0)
            self._expire()
        finally:
            self._schedule(POLL_S if self.in_flight else IDLE_POLL_S)

    def _expire(self) -> None:
        """The broker has had its time: whoever waits is told so, though the record may arrive yet."""
        now = asyncio.get_running_loop().time()
        while self._awaited and not self._is_ending:
            first = self._awaited[0]
            if first.is_out:
                self._awaited.popleft()
            elif first.due <= now:
                self._fail(first, "not acknowledged in time")
            elif self.is_pressed and now - max(first.due - self._timeout_s, self._heard) >= self._patience_s:
                self._fail(first, SILENT)
            else:
                return

    @property
    def _patience_s(self) -> float:
        return self._silent_s if self._is_proven else max(self._silent_s, FIRST_S)

    def _delivered(self, record: Record, error: KafkaError | None, _: Message) -> None:
        if record.is_out:
            return
        if error is not None:
            self._fail(record, self._told(error))
            return
        self.acknowledged += 1
        self._is_proven = True
        self._heard = asyncio.get_running_loop().time()
        self._leave(record, None)
        record.settle(None)

    def _fail(self, record: Record, error: str) -> None:
        self.on_trouble()
        if self.on_given_up is None:
            self._leave(record, error)
            record.settle(error)
        else:
            self._begin_to_end(error)

    def _begin_to_end(self, why: str) -> None:
        """Not at once: a producer cannot be closed from within its own callback."""
        if not self._is_ending:
            self._is_ending = True
            asyncio.get_running_loop().call_soon(self._end, why)

    def _end(self, why: str) -> None:
        if self._is_ending:
            self._is_ending = False
            self.disconnect(why)

    def _leave(self, record: Record, error: str | None) -> None:
        record.is_out = True
        self.in_flight -= 1
        self.in_flight_bytes -= record.size
        if not self.in_flight:
            self._none_awaited.set()
        self._tally.settled(error)

    def _noted(self, number: int, error: KafkaError) -> None:
        log.debug("Kafka: %s", error.str())
        if number != self._number or self._producer is None:
            return
        told = self._told(error)
        if self._is_broken and self.on_given_up is not None:
            self._begin_to_end(told)
        self.on_trouble()

    def _told(self, error: KafkaError) -> str:
        """What is said of an error, which may be the end of this producer."""
        self._is_broken = self._is_broken or kafkafault.ends_producer(error)
        return kafkafault.told(error)


def _close(producer: Producer) -> None:
    producer.purge()
    producer.flush(1)
    producer.close()
