"""Making saved records known by `pulse.config`, in the background and until it has worked."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from logging import getLogger
from threading import Condition, Thread
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicCollection
from confluent_kafka.admin import AdminClient
from msgspec import json

from pulse.errors import PulseError
from pulse.reaching import Setting, reaching
from pulse.topics import CONFIG

ACKNOWLEDGED_MS = 10_000
ASKED_S = 5.0
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
        self._kafka_url = kafka_url
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
        try:
            demand(self._kafka_url, self._topic)
            with _producing(self._kafka_url) as producer:
                for name in sorted(names):
                    self._send_one(producer, name, failed)
        except KafkaException as error:
            return dict.fromkeys(names, error.args[0].str())
        return failed

    def _send_one(self, producer: Producer, name: str, failed: dict[str, str]) -> None:
        try:
            for each in self._records.names() if name == EVERY else [name]:
                self._send(producer, each, failed)
        except (PulseError, KafkaException, BufferError) as error:
            failed[name] = str(error)

    def _send(self, producer: Producer, name: str, failed: dict[str, str]) -> None:
        record = self._records.record(name)
        if record is None:
            return

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed[name] = error.str()

        try:
            value = json.encode(record)
        except (ValueError, TypeError) as error:
            log.error("a record that cannot be written is passed over", extra={"record": name, "why": str(error)})
            return
        producer.produce(self._topic, key=name, value=value, on_delivery=delivered)


def demand(kafka_url: str, topic: str) -> None:
    """Raise KafkaException unless the topic is there."""
    admin = AdminClient(reaching(kafka_url), logger=log)
    admin.describe_topics(TopicCollection([topic]), request_timeout=ASKED_S)[topic].result()


@contextmanager
def _producing(kafka_url: str) -> Iterator[Producer]:
    """A producer for as long as there is something to send; what it was given is acknowledged or failed at the end.

    One that stood idle would go on asking for its topic, and some brokers make a topic that is asked for, as they like.
    """
    producer = Producer(_config(kafka_url), logger=getLogger("api.control.kafka"))
    try:
        yield producer
        if producer.flush(ACKNOWLEDGED_MS / 1000 + 1):
            producer.purge()
            producer.flush(1)
    finally:
        producer.close()


def _config(kafka_url: str) -> dict[str, Setting]:
    return {
        **reaching(kafka_url),
        "client.id": "pulse-config",
        "acks": "all",
        "enable.idempotence": True,
        "message.timeout.ms": ACKNOWLEDGED_MS,
    }
