"""Creates the topics that are missing: `python -m streams.topics`."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from functools import partial

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from pulse import log as logs
from pulse.errors import PulseError, SettingError, Unavailable
from pulse.reaching import reaching
from pulse.settings import Settings, load
from pulse.topics import REFINING, TOPICS
from streams.broker import Broker
from streams.retry import until_answered

PATIENCE_S = 60.0
ASKED_S = 2.0
CREATED_S = 30.0

log = logging.getLogger(__name__)


def create(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names.

    Raises Unavailable while the broker is away, SettingError if a topic exists with another number of
    partitions, PulseError if the broker refuses to create one.
    """
    admin = AdminClient(reaching(settings.kafka_url), logger=log)
    wanted = {topic.name: topic.partitions or settings.partitions for topic in TOPICS}
    copies = settings.replication
    new = [
        NewTopic(topic.name, wanted[topic.name], copies, config=topic.config(copies, settings.raw_hours))
        for topic in TOPICS
    ]
    _demand(admin, settings.kafka_url)
    created = []
    for name, asked in admin.create_topics(new, request_timeout=CREATED_S).items():
        try:
            asked.result()
            created.append(name)
        except KafkaException as error:
            _tolerate(name, error.args[0], settings.kafka_url)
    broker = Broker(settings.kafka_url)
    for name, partitions in wanted.items():
        _check(name, broker.partitions(name), partitions)
    _forget(admin, settings)
    return created


def _forget(admin: AdminClient, settings: Settings) -> None:
    """Lanes that were there already forget raw events after the hours that are set now; not every broker can be told so."""
    told = [_told(topic.name, topic.forgetting(settings.raw_hours)) for topic in TOPICS if topic.name in REFINING]
    for resource, asked in admin.incremental_alter_configs(told, request_timeout=CREATED_S).items():
        try:
            asked.result()
        except KafkaException as error:
            log.warning(
                "the broker does not change how long raw events are kept",
                extra={"topic": resource.name, "hours": settings.raw_hours, "reason": error.args[0].str()},
            )


def _told(name: str, config: Mapping[str, str]) -> ConfigResource:
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()]
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)


def _demand(admin: AdminClient, servers: str) -> None:
    try:
        admin.list_topics(timeout=ASKED_S)
    except KafkaException as error:
        raise Unavailable(f"Kafka at {servers} does not answer ({error.args[0].str()})") from None


def _tolerate(name: str, error: KafkaError, servers: str) -> None:
    if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return
    # A node that has only just started may not count yet.
    if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        raise Unavailable(f"Kafka at {servers} has too few nodes for the copies that PULSE_REPLICATION wants")
    if error.retriable() or error.code() in (
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
    ):
        raise Unavailable(f"Kafka at {servers} does not answer ({error.str()})")
    raise PulseError(f"Kafka at {servers} refuses to create the topic {name}: {error.str()}")


def _check(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise SettingError(
            f"the topic {name} has {found} partitions, PULSE_PARTITIONS is {wanted}: set it to {found}; the number is fixed "
            "once there is data, since an event and its repetition must meet in one partition"
        )


def main() -> None:
    """Create the topics, waiting a minute for the broker; exit 1 with one sentence if that cannot be."""
    try:
        settings = load()
        logs.configure(settings.log_level)
        created = asyncio.run(asyncio.wait_for(until_answered(partial(create, settings)), PATIENCE_S))
    except PulseError as error:
        sys.exit(str(error))
    except TimeoutError:
        sys.exit(
            f"Kafka at {settings.kafka_url} does not answer, or has fewer nodes than PULSE_REPLICATION "
            f"({settings.replication}): start it, or set PULSE_KAFKA_URL"
        )
    log.info("all topics are there", extra={"topics_created": created})


if __name__ == "__main__":
    main()
