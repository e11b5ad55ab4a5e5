"""A raw log that lost its end: refinement notices before it passes over what lies at the lost offsets."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from clickhouse.client import Client
from pulse.place import HEADER, Place
from pulse.topics import EVENTS, RAW
from streams.broker import Broker
from streams.whole import missing
from tests import services
from tests.eventually import eventually
from tests.migrated import migrate
from tests.services import Service
from tests.streaming import PARTITIONS, Log, Streams, raw_event

Start = Callable[[Log], Streams]


@pytest.fixture
def start(tmp_path: Path, clickhouse: str) -> Iterator[Start]:
    """Starts a worker over a log."""
    migrate(Client(clickhouse))
    begun: list[Streams] = []

    def begin(log: Log) -> Streams:
        begun.append(Streams(tmp_path, log.servers, clickhouse))
        begun[-1].start()
        return begun[-1]

    yield begin
    for each in begun:
        each.kill()


def written(log: Log, offset: int, timestamp: int) -> None:
    """An output record as refinement wrote it for a raw record of partition 0."""
    place = Place(log.broker.topic_ids([RAW])[RAW], 0, offset)
    log.put(b"", topic=EVENTS, headers=[(HEADER, place.encode())], timestamp=timestamp)
    log.flush()


def raw_records(log: Log, number: int) -> None:
    for n in range(number):
        log.put(b'{"event":"e","site_id":"shop"}\n', timestamp=1_790_000_000_000 + n)
    log.flush()


@pytest.mark.parametrize(
    ("offset", "timestamp", "said"),
    [
        (5, 1_790_000_000_005, "pulse.events.raw/0 ends before the offset 5,"),
        (3, 1_780_000_000_000, "pulse.events.raw/0 holds at the offset 3 another record"),
    ],
)
def test_a_log_that_lacks_what_was_refined_is_not_refined_on(
    broker: Service, start: Start, offset: int, timestamp: int, said: str
) -> None:
    log = Log(broker.url)
    raw_records(log, 5)
    written(log, offset, timestamp)
    worker = start(log)
    told = eventually(lambda: worker.checks().get("log", "").removeprefix("ok"), 60)
    assert told.startswith(said)
    assert "docs/operations.md" in told
    assert '"level":"critical"' in worker.log.read_text()
    assert len(log.read(EVENTS)) == 1


def test_a_log_that_holds_what_was_refined_is_refined_on(broker: Service, start: Start) -> None:
    log = Log(broker.url)
    raw_records(log, 5)
    written(log, 2, 1_790_000_000_002)
    worker = start(log)
    eventually(lambda: len(log.applied(EVENTS)) == 3, 60)
    worker.await_ready()


@pytest.mark.slow
@pytest.mark.native
def test_a_broker_that_lost_its_end_while_the_streams_ran_is_noticed(tmp_path: Path, start: Start) -> None:
    [kafka] = services.kafka_nodes(tmp_path / "kafka", 1)
    kafka.start()
    log = Log(kafka.url)
    worker = start(log)
    log.assert_exact(log.send([raw_event() for _ in range(300)]), within=60)
    kafka.kill()
    cut_in_half(tmp_path / "kafka")
    kafka.start()
    refined = len(log.read(EVENTS))
    log.send([raw_event() for _ in range(30)])

    def told() -> str:
        if worker.running is None or not worker.running.is_alive():
            worker.start()  # as its supervisor does
        return worker.checks()["log"].replace("ok", "")

    assert "docs/operations.md" in eventually(told, 120, every=0.5)
    assert len(log.read(EVENTS)) == refined
    worker.kill()
    worker.start()
    assert "docs/operations.md" in eventually(told, 120, every=0.5)
    kafka.kill()


def test_a_record_is_missing_only_where_the_log_ends_before_it(apache_kafka: str) -> None:
    name = f"test.{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": apache_kafka})
    admin.create_topics([NewTopic(name, 1)])[name].result()
    producer = Producer({"bootstrap.servers": apache_kafka})
    for n in range(10):
        producer.produce(name, b"x", partition=0, timestamp=1_790_000_000_000 + n)
    assert producer.flush(60) == 0
    broker, where = Broker(apache_kafka), (name, 0)
    assert [missing(broker, where, offset, 1_790_000_000_000 + offset) for offset in (0, 4, 9)] == ["", "", ""]
    assert "another record" in missing(broker, where, 4, 1_790_000_000_009)
    assert ["ends before" in missing(broker, where, offset, 0) for offset in (10, 11, 70)] == [True, True, True]
    for end in (5, 10):
        [deleted] = admin.delete_records([TopicPartition(name, 0, end)]).values()
        deleted.result()
        assert [missing(broker, where, offset, 1) for offset in (3, end - 1)] == ["", ""]


def cut_in_half(folder: Path) -> None:
    """What a power loss leaves of the raw log: its first half, and no index."""
    for partition in range(PARTITIONS):
        [segment] = folder.rglob(f"{RAW}-{partition}/00000000000000000000.log")
        os.truncate(segment, segment.stat().st_size // 2)
