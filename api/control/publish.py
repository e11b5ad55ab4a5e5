"""Making saved records known by `pulse.config`, in the background and until it has worked."""

from collections.abc import Iterable, Sequence
from logging import getLogger
from threading import Condition, Thread
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import json

from pulse.errors import PulseError
from pulse.topics import CONFIG

ACKNOWLEDGED_MS = 10_000
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

EVERY = "*"

log = getLogger(__name__)


class Records(Protocol):
    """Where records are read; both raise Unavailable."""

    def names(self) -> Sequence[str]:
        """The names of all."""

    def record(self, name: str) -> dict[str, Any] | None:
        """One of them."""


class Publisher:
    """Publishes records by their names, each as it is when it is sent; a failure is tried again for ever."""

    def __init__(self, kafka_url: str, records: Records, topic: str = CONFIG) -> None:
        self._records = records
        self._topic = topic
        self._waiting: set[str] = set()
        self._sending: set[str] = set()
        self._changed = Condition()
        self._stopping = False
        self._producer = Producer(_config(kafka_url), logger=getLogger("api.control.kafka"))
        self._thread = Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def announce(self, *names: str) -> None:
        """Publish these records soon; returns at once."""
        with self._changed:
            self._waiting.update(names)
            self._changed.notify_all()

    def announce_all(self) -> None:
        """Publish every record soon: the log may be a new one."""
        self.announce(EVERY)

    def waiting(self) -> int:
        """How many records are not yet published."""
        with self._changed:
            return len(self._waiting | self._sending)

    def stop(self, timeout_s: float = 5) -> None:
        """Publish what is waiting, if that takes no longer than `timeout_s`, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        pause = SHORTEST_PAUSE_S
        while names := self._take():
            failed = self._publish(names)
            self._put_back(failed)
            if not failed:
                pause = SHORTEST_PAUSE_S
                continue
            why = next(iter(failed.values()))
            log.warning("%d records could not be published (%s); again in %.1f s", len(failed), why, pause)
            if self._stops_within(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _take(self) -> set[str]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            self._sending, self._waiting = self._waiting, set()
            return self._sending

    def _put_back(self, failed: Iterable[str]) -> None:
        with self._changed:
            self._waiting |= set(failed)
            self._sending = set()

    def _stops_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, seconds)

    def _publish(self, names: Iterable[str]) -> dict[str, str]:
        """Send records and wait for the broker; the names of those that failed, with the reason of each."""
        failed: dict[str, str] = {}
        for name in sorted(names):
            try:
                self._send_all(failed) if name == EVERY else self._send(name, failed)
            except (PulseError, KafkaException, BufferError) as error:
                failed[name] = str(error)
        if self._producer.flush(ACKNOWLEDGED_MS / 1000 + 1):
            self._producer.purge()
            self._producer.flush(1)
        return failed

    def _send_all(self, failed: dict[str, str]) -> None:
        for name in self._records.names():
            self._send(name, failed)

    def _send(self, name: str, failed: dict[str, str]) -> None:
        record = self._records.record(name)
        if record is None:
            return

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed[name] = error.str()

        self._producer.produce(self._topic, key=name, value=json.encode(record), on_delivery=delivered)


def _config(kafka_url: str) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": kafka_url,
        "client.id": "pulse-config",
        "acks": "all",
        "enable.idempotence": True,
        "message.timeout.ms": ACKNOWLEDGED_MS,
        "reconnect.backoff.max.ms": 5_000,
        "log_level": 2,
    }
