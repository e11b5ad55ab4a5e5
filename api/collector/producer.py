"""The way into the raw log: records sent, and settled when the broker has them on all its replicas or will not."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.collector.gather import Record
from api.collector.tally import Tally
from pulse.topics import MAX_RECORD_BYTES, RAW

POLL_S = 0.001
"""How often acknowledgements are fetched while some are awaited. On the loop's own thread: another thread would
wait for the interpreter up to 5 ms at each."""
IDLE_POLL_S = 0.25

log = logging.getLogger(__name__)


class RawLog:
    """Sends records to the raw log. Belongs to one event loop; `connect` and `stop` frame its use.

    `on_trouble` is called whenever the broker fails at something.
    """

    def __init__(self, bootstrap: str, timeout_ms: int, queue_bytes: int, tally: Tally) -> None:
        self._config = {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "linger.ms": 0,
            "message.max.bytes": MAX_RECORD_BYTES + 100_000,
            "delivery.timeout.ms": timeout_ms,
            "queue.buffering.max.kbytes": max(queue_bytes // 512, 4 * MAX_RECORD_BYTES // 1024),
            "reconnect.backoff.max.ms": 1_000,
            "log_level": 2,
        }
        self._timeout_s = timeout_ms / 1000
        self._tally = tally
        self._producer: Producer | None = None
        self._awaited: deque[Record] = deque()
        self._tick: asyncio.TimerHandle | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._none_awaited = asyncio.Event()
        self._none_awaited.set()
        self.in_flight_bytes = 0
        self.in_flight = 0
        self.acknowledged = 0
        self.is_broken = False
        self.on_trouble: Callable[[], None] = lambda: None

    @property
    def is_connected(self) -> bool:
        """Whether there is a producer that can send."""
        return self._producer is not None and not self.is_broken

    @property
    def is_idle(self) -> bool:
        """Whether no record waits for its acknowledgement."""
        return not self.in_flight

    def connect(self) -> None:
        """Begin with a new producer. What the one before had not settled fails: its log may be gone."""
        self.disconnect()
        self.is_broken = False
        self._producer = Producer({**self._config, "error_cb": self._noted}, logger=log)
        self._schedule(0)

    def disconnect(self) -> None:
        """Give up the producer, and with it all that is not settled."""
        retired, self._producer = self._producer, None
        for record in self._awaited:
            self._settle(record, "the log was replaced")
        self._awaited.clear()
        if retired is not None:
            closing = asyncio.create_task(asyncio.to_thread(_close, retired))
            self._retired.add(closing)
            closing.add_done_callback(self._retired.discard)

    def send(self, record: Record) -> None:
        """Send a record; it is settled on acknowledgement, on failure, or when its time is over."""
        self.in_flight += 1
        self._none_awaited.clear()
        self.in_flight_bytes += record.size
        record.due = asyncio.get_running_loop().time() + self._timeout_s
        self._awaited.append(record)
        self._tally.sent(len(record.lines))
        try:
            if self._producer is None:
                raise BufferError("not connected")
            told = partial(self._delivered, record)
            self._producer.produce(RAW, record.value(), partition=record.partition, on_delivery=told)
        except BufferError as error:
            self._settle(record, str(error))
        except KafkaException as error:
            self._settle(record, error.args[0].str())
        record.lines = []
        if self.in_flight == 1:
            self._schedule(POLL_S)

    async def stop(self) -> None:
        """Wait for what is on its way, within its time, then close."""
        await self._none_awaited.wait()
        self.disconnect()
        await asyncio.gather(*self._retired)
        if self._tick is not None:
            self._tick.cancel()

    def _schedule(self, delay: float) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = asyncio.get_running_loop().call_later(delay, self._poll)

    def _poll(self) -> None:
        if self._producer is not None:
            self._producer.poll(0)
        self._expire()
        self._schedule(POLL_S if self.in_flight else IDLE_POLL_S)

    def _expire(self) -> None:
        """The broker has had its time: whoever waits is told so, though the record may arrive yet."""
        now = asyncio.get_running_loop().time()
        while self._awaited and (self._awaited[0].is_settled or self._awaited[0].due <= now):
            self._settle(self._awaited.popleft(), "not acknowledged in time")

    def _delivered(self, record: Record, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.acknowledged += 1
        self._settle(record, None if error is None else error.str())

    def _settle(self, record: Record, error: str | None) -> None:
        if error is not None:
            self.on_trouble()
        if record.settle(error):
            self.in_flight -= 1
            self.in_flight_bytes -= record.size
            if not self.in_flight:
                self._none_awaited.set()
            self._tally.settled(error)

    def _noted(self, error: KafkaError) -> None:
        log.debug("Kafka: %s", error.str())
        self.is_broken = self.is_broken or error.fatal()
        self.on_trouble()


def _close(producer: Producer) -> None:
    producer.purge()
    producer.flush(1)
    producer.close()
