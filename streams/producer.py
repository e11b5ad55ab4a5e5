"""The way into the log: records are delivered, however long it takes, each partition's in order."""

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pulse import ledger
from pulse.errors import PulseError
from pulse.place import HEADER
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import MAX_RECORD_BYTES
from streams.record import Made

POLL_S = 0.001
POLL_AT_MOST_S = 0.05

log = logging.getLogger(__name__)


class UndeliverableError(PulseError):
    """The broker refuses a record for good: waiting would not help, and going on would lose it."""


class Span(NamedTuple):
    """Where records have come to lie in a partition: the first and the last offset, and how many they are."""

    first: int
    last: int
    records: int

    @property
    def is_whole(self) -> bool:
        """Whether nobody else's record lies between."""
        return self.last - self.first + 1 == self.records


class Delivery:
    """Counts down the records that have not arrived yet; `error` is the first for which one never will."""

    def __init__(self) -> None:
        self.awaited = 0
        self.error: KafkaError | None = None
        self.spans: dict[tuple[str, int], Span] = {}

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self.awaited -= 1
        self.error = self.error or error
        if error is None:
            offset, where = message.offset() or 0, (message.topic() or "", message.partition() or 0)
            old = self.spans.get(where, Span(offset, offset, 0))
            self.spans[where] = Span(min(old.first, offset), max(old.last, offset), old.records + 1)


class Output:
    """A producer for one event loop.

    It never gives a record up: while the broker is away, librdkafka keeps it and tries again, with a
    back-off, and its idempotence keeps the order of each partition.
    """

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {
                **reaching(settings.kafka_url),
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "compression.type": "zstd",
                "compression.level": 1,
                "linger.ms": 1,
                "message.max.bytes": MAX_RECORD_BYTES + 100_000,
                "queue.buffering.max.kbytes": 262_144,
                "retry.backoff.max.ms": 1_000,
            },
            logger=log,
        )

    async def deliver(self, records: Iterable[Made]) -> dict[tuple[str, int], Span]:
        """Return when all of the records are in the log, and where; raises UndeliverableError if one is refused for good."""
        delivery = Delivery()
        for record in records:
            while not self._take(record, delivery):
                await asyncio.sleep(POLL_AT_MOST_S)
                self._producer.poll(0)
        pause = POLL_S
        while delivery.awaited:
            self._producer.poll(0)
            if delivery.awaited:
                await asyncio.sleep(pause)
                pause = min(pause * 1.2, POLL_AT_MOST_S)
        if delivery.error is not None:
            raise UndeliverableError(f"Kafka refuses a record: {delivery.error.str()}")
        return delivery.spans

    def _take(self, record: Made, delivery: Delivery) -> bool:
        try:
            self._producer.produce(
                record.topic,
                value=record.value,
                partition=record.partition,
                headers=_headers(record),
                timestamp=max(record.timestamp, 0),
                on_delivery=delivery,
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise UndeliverableError(f"Kafka refuses a record: {error.args[0].str()}") from None
        delivery.awaited += 1
        return True


def _headers(record: Made) -> dict[str, str | bytes | None]:
    place: dict[str, str | bytes | None] = {HEADER: record.place.encode()}
    return place if record.ledger is None else place | {ledger.HEADER: record.ledger}
