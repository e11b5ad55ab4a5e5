"""`python -m api.live` over a log that changes while it is read: partitions are added, the beginning moves away."""

import os
import signal
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]
from msgspec import json

from pulse.topics import EVENTS
from tests import services
from tests.eventually import eventually
from tests.living import Line, Living, line, living, names, received


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """One over an Apache Kafka of its own: the broker that is embedded lets nobody change a topic."""
    folder = tmp_path_factory.mktemp("live")
    kafka = services.kafka(folder / "kafka")
    kafka.start()
    try:
        with living(kafka.url, folder) as running:
            yield running
    finally:
        kafka.stop()


@pytest.fixture
def admin(live: Living) -> AdminClient:
    return AdminClient({"bootstrap.servers": live.kafka})


def send(live: Living, partition: int, name: str) -> None:
    """Write one event into a partition."""
    live.put(EVENTS, json.encode(line(name)), partition)
    assert live.producer.flush(60) == 0


def test_a_partition_that_is_added_is_read_and_can_be_gone_on_in(live: Living, admin: AdminClient) -> None:
    with live.socket("show=events") as socket:
        before = received(socket, "hello")["id"]
        count = len(admin.list_topics(EVENTS, timeout=10).topics[EVENTS].partitions)
        admin.create_partitions([NewPartitions(EVENTS, count + 1)])[EVENTS].result()
        eventually(lambda: len(admin.list_topics(EVENTS, timeout=10).topics[EVENTS].partitions) == count + 1)
        live.write(line("old"))
        send(live, count, "added")
        seen: list[Line] = []
        while len(seen) < 2:
            seen.append(received(socket, "events"))
        assert sorted(names(*seen)) == ["added", "old"]
    with live.socket(f"show=events&last_id={before}") as socket:
        again = [json.decode(socket.recv(timeout=30)) for _ in range(2)]
        assert [each["type"] for each in again] == ["hello", "events"]
        assert sorted(names(again[1])) == ["added", "old"]
    with live.socket(f"show=events&last_id={seen[-1]['id']}") as socket:
        assert received(socket, "hello")
        send(live, count, "later")
        assert names(received(socket, "events")) == ["later"]


def test_what_kafka_deleted_before_it_was_read_is_told(live: Living, admin: AdminClient) -> None:
    with live.socket("show=events") as socket:
        before = received(socket, "hello")["id"]
        assert live.running is not None
        os.kill(live.running.pid, signal.SIGSTOP)
        try:
            send(live, 0, "fetched")  # perhaps: by what was asked of the broker already
            send(live, 0, "lost")
            [deleted] = admin.delete_records([TopicPartition(EVENTS, 0, -1)]).values()
            deleted.result()
        finally:
            os.kill(live.running.pid, signal.SIGCONT)
        send(live, 0, "there")
        assert "lost" in received(socket, "gap")["reason"]
        seen = names(received(socket, "events"))
        assert seen[-1:] == ["there"]
        assert "lost" not in seen
    with live.socket(f"show=events&last_id={before}") as socket:
        assert received(socket, "gap")
        assert names(received(socket, "events")) == ["there"]
