"""Writes notices into the log: they are there when it returns, or Unavailable is raised."""

import logging
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import json

from pulse.errors import Unavailable
from pulse.notice import Notice
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import ALERTS

PATIENCE_S = 30.0

log = logging.getLogger(__name__)


class Teller:
    """A producer of notices, each in the partition of its site and under its id."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Producer | None = None

    def tell(self, partition: int, notices: Iterable[Notice]) -> None:
        """Write notices, in their order."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        producer = self._producer = self._producer or Producer(_config(self._settings), logger=log)
        try:
            for notice in notices:
                producer.produce(
                    ALERTS, json.encode(notice), notice.id, partition, timestamp=notice.at, on_delivery=delivered
                )
                producer.poll(0)
            left = producer.flush(PATIENCE_S)
        except (KafkaException, BufferError) as error:
            self._drop()
            raise Unavailable(f"Kafka does not take notices: {error}") from None
        if left or failed:
            self._drop()
            raise Unavailable(f"Kafka does not take notices: {failed[0].str() if failed else 'no answer'}")

    def _drop(self) -> None:
        """What it was given and did not deliver must not come after what is decided anew."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(1)
        self._producer = None


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"pulse-alerts-{settings.instance}",
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 1,
        "message.timeout.ms": int(PATIENCE_S * 1000),
    }
