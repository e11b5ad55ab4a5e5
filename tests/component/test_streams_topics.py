"""Making the topics, and following a log's offsets."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]

from pulse.errors import SettingError
from pulse.settings import Settings
from pulse.topics import REFINING, TOPICS
from streams.broker import Broker
from streams.ownership import Ownership, SkippedError
from streams.record import Taken
from streams.topics import create
from streams.watch import Watch
from tests import services
from tests.eventually import eventually
from tests.services import Service

Follow = Callable[[int], Awaitable[None]]
ROOT = Path(__file__).parents[2]


def test_topics_are_made_once(broker: Service) -> None:
    settings = Settings(kafka_url=broker.url, partitions=3)
    assert create(settings) == [topic.name for topic in TOPICS]
    ids = Broker(broker.url).topic_ids(topic.name for topic in TOPICS)
    assert create(settings) == []
    assert Broker(broker.url).topic_ids(ids) == ids
    assert {name: Broker(broker.url).partitions(name) for name in ids} == {t.name: t.partitions or 3 for t in TOPICS}


def test_another_number_of_partitions_is_refused_in_one_sentence(broker: Service) -> None:
    create(Settings(kafka_url=broker.url, partitions=3))
    with pytest.raises(SettingError, match=r"pulse\.events\.raw has 3 partitions, PULSE_PARTITIONS is 4: set it to 3"):
        create(Settings(kafka_url=broker.url, partitions=4))
    run = _command(broker.url, PULSE_PARTITIONS="4").communicate(timeout=60)
    assert "PULSE_PARTITIONS is 4" in run[1]
    assert "Traceback" not in run[1]


@pytest.mark.native
def test_raw_events_are_forgotten_after_the_hours_that_are_set_last(tmp_path: Path) -> None:
    kafka = services.kafka(tmp_path / "kafka")
    kafka.start()
    admin = AdminClient({"bootstrap.servers": kafka.url})
    for hours in (48, 6):
        create(Settings(kafka_url=kafka.url, raw_hours=hours))
        for name in REFINING:
            eventually(lambda name=name, hours=hours: _kept_hours(admin, name) == (hours, hours / 6))  # type: ignore[misc]
    kafka.stop()


def _kept_hours(admin: AdminClient, topic: str) -> tuple[float, float]:
    """For how many hours a topic keeps records, and after how many it begins a new segment."""
    [asked] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    found = asked.result()
    return int(found["retention.ms"].value) / 3_600_000, int(found["segment.ms"].value) / 3_600_000


def test_the_broker_is_waited_for(tmp_path: Path) -> None:
    later = services.embedded_kafka(tmp_path / "broker")
    waiting = _command(later.url)
    assert waiting.stderr is not None
    assert "does not answer" in waiting.stderr.readline()
    later.start()
    assert waiting.wait(60) == 0
    assert eventually(lambda: Broker(later.url).partitions("pulse.events.raw")) == 4
    later.kill()


def _command(servers: str, **settings: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PULSE_KAFKA_URL": servers, **settings}
    command = [sys.executable, "-m", "streams.topics"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def topic(apache_kafka: str) -> str:
    """A topic with ten records."""
    name = f"test.{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    admin.create_topics([NewTopic(name, 1)])[name].result()
    producer = Producer({"bootstrap.servers": apache_kafka})
    for n in range(10):
        producer.produce(name, str(n).encode(), partition=0)
    assert producer.flush(60) == 0
    return name


@pytest.fixture
async def ownership(apache_kafka: str, topic: str) -> Ownership:
    """Owns the topic's one partition."""
    broker = Broker(apache_kafka)
    ownership = Ownership(broker, "test", broker.topic_ids([topic]))
    ownership.assign({(topic, 0)})
    await ownership.settled()
    assert ownership.owned == {(topic, 0)}
    return ownership


@pytest.fixture
def follow(ownership: Ownership, topic: str) -> Follow:
    """Takes the record at an offset of the topic."""
    return lambda offset: ownership.follow(Taken(topic, 0, offset, 0, b""))


async def test_records_that_were_passed_over_are_noticed(follow: Follow) -> None:
    for offset in (0, 1, 2, 1, 2, 3):
        await follow(offset)
    with pytest.raises(SkippedError, match="got offset 6, but 4 was next"):
        await follow(6)


async def test_records_that_the_log_no_longer_has_are_not_missed(follow: Follow, topic: str, apache_kafka: str) -> None:
    await follow(0)
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 5)]).values():
        deleted.result()
    await follow(5)
    with pytest.raises(SkippedError):
        await follow(7)


class EndedError(Exception):
    """The process would have ended."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends nothing but the test, and takes a tenth of a second for a stall."""

    def at_once(reason: str) -> None:
        raise EndedError(reason)

    monkeypatch.setattr("pulse.end.at_once", at_once)
    monkeypatch.setattr("streams.stall.STALLED_S", 0.1)


def _look_for(watch: Watch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.look()


@pytest.mark.usefixtures("ends")
async def test_a_consumer_that_takes_nothing_though_there_is_something_is_ended(
    ownership: Ownership, follow: Follow, topic: str, apache_kafka: str
) -> None:
    waits = True
    watch = Watch(Broker(apache_kafka), ownership, (topic,), lambda: waits, ownership.standing)
    await asyncio.to_thread(_look_for, watch, 0.3)
    assert watch.kafka == "ok"
    waits = False
    with pytest.raises(EndedError, match="though there is a record"):
        await asyncio.to_thread(_look_for, watch, 60)
    for offset in range(10):
        await follow(offset)
    await asyncio.to_thread(_look_for, watch, 0.3)


@pytest.mark.usefixtures("ends")
async def test_a_topic_that_was_made_anew_ends_the_process(ownership: Ownership, topic: str, apache_kafka: str) -> None:
    await ownership.verify()
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    admin.delete_topics([topic])[topic].result()
    eventually(lambda: topic not in admin.list_topics(timeout=5).topics)
    admin.create_topics([NewTopic(topic, 1)])[topic].result()
    with pytest.raises(EndedError, match="made anew"):
        await ownership.verify()
