"""Writes notices into the log."""

from logging import getLogger

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import json

from pulse.errors import Unavailable
from pulse.notice import Notice
from pulse.reaching import Setting, reaching
from pulse.topics import ALERTS, partition_of

PATIENCE_S = 10.0

log = getLogger(__name__)


def tell(kafka_url: str, notice: Notice) -> None:
    """Write a notice into the log; raises Unavailable."""
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer(_config(kafka_url), logger=log)
    try:
        topic = producer.list_topics(ALERTS, timeout=PATIENCE_S).topics.get(ALERTS)
        if topic is None or topic.error is not None:
            raise Unavailable(f"Kafka has no topic {ALERTS}")
        partition = partition_of(notice.site_id, "", len(topic.partitions))
        producer.produce(ALERTS, json.encode(notice), notice.id, partition, on_delivery=delivered)
        left = producer.flush(PATIENCE_S)
    except KafkaException as error:
        raise Unavailable(f"Kafka does not take notices: {error.args[0].str()}") from None
    finally:
        producer.purge()
        producer.close()
    if left or failed:
        raise Unavailable(f"Kafka does not take notices: {failed[0].str() if failed else 'no answer'}")


def _config(kafka_url: str) -> dict[str, Setting]:
    return {
        **reaching(kafka_url),
        "client.id": "pulse-notices",
        "acks": "all",
        "enable.idempotence": True,
        "message.timeout.ms": int(PATIENCE_S * 1000),
    }
