"""Tells the log what the database knows already: which deliveries are dead, and which endpoints were disabled."""

from collections.abc import Iterable, Sequence
from logging import getLogger
from typing import NamedTuple

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import json

from api.control.outbox import Outbox
from api.control.outgoing import Delivery, Endpoint
from pulse.digest.notice import PREFIX
from pulse.errors import Unavailable
from pulse.notice import Notice
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import ALERTS, DEAD, SUMMARIES, partition_of

ACKNOWLEDGED_MS = 10_000
DISABLED = "webhook.disabled"
"""The kind of notice that other endpoints of the site get when one was disabled by itself."""

log = getLogger(__name__)


class Record(NamedTuple):
    """A record of the log; where no partition is given it follows from the key."""

    topic: str
    key: str
    value: bytes
    partition: int = -1


class Teller:
    """Produces to the log. `tell` blocks; it may be called again at any time."""

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._settings, self._outbox = settings, outbox

    def tell(self) -> int:
        """Tell what is untold; how much that was. Raises Unavailable, and then tells it again the next time."""
        dead, disabled = self._outbox.dead(), self._outbox.disabled()
        if not dead and not disabled:
            return 0
        records = [Record(DEAD, each.endpoint, dead_record(each)) for each in dead]
        self._send([*records, *(self._record(notice_of(endpoint)) for endpoint in disabled)])
        self._outbox.told([each.id for each in dead], [each.id for each in disabled])
        return len(dead) + len(disabled)

    def write(self, notices: Iterable[Notice]) -> None:
        """Put notices into the log; they are there when it returns, or Unavailable is raised."""
        self._send([self._record(notice) for notice in notices])

    def _record(self, notice: Notice) -> Record:
        partition = partition_of(notice.site_id, "", self._settings.partitions)
        topic = SUMMARIES if notice.kind.startswith(PREFIX) else ALERTS
        return Record(topic, notice.id, json.encode(notice), partition)

    def _send(self, records: Sequence[Record]) -> None:
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        producer = Producer(_config(self._settings), logger=getLogger("api.delivery.kafka"))
        try:
            for topic, key, value, partition in records:
                producer.produce(topic, key=key, value=value, partition=partition, on_delivery=delivered)
            left = producer.flush(ACKNOWLEDGED_MS / 1000 + 1)
        except KafkaException as error:
            raise Unavailable(f"Kafka does not take what is to be told: {error.args[0].str()}") from None
        if failed or left:
            raise Unavailable(f"Kafka does not take what is to be told: {failed[0].str() if failed else 'no answer'}")


def dead_record(delivery: Delivery) -> bytes:
    """A dead delivery as the log keeps it."""
    return json.encode(
        {
            "id": delivery.id,
            "endpoint": delivery.endpoint,
            "site_id": delivery.site,
            "notice": msgspec.Raw(delivery.record.encode()),
            "attempts": delivery.attempts,
            "status": delivery.status,
            "error": delivery.error,
            "at": delivery.finished,
        }
    )


def notice_of(endpoint: Endpoint) -> Notice:
    """What is told of an endpoint that was disabled by itself."""
    at = endpoint.disabled or 0
    data = {"webhook_id": endpoint.id, "name": endpoint.name, "reason": endpoint.disabled_why}
    return Notice(id=f"disabled_{endpoint.id}_{at}", kind=DISABLED, site_id=endpoint.site, at=at, data=data)


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"pulse-delivery-{settings.instance}",
        "acks": "all",
        "enable.idempotence": True,
        "message.timeout.ms": ACKNOWLEDGED_MS,
    }
