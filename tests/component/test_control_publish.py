"""Saved records reach `pulse.config` on a real broker, also one that comes late."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from msgspec import json

from api.control.keys import NewKey
from api.control.migrate import migrate
from api.control.publish import Publisher
from api.control.store import Store
from tests import services
from tests.eventually import eventually

SECRET = b"a long text that only this test knows"
NOW = 1_790_000_000_000


class Site:
    """A store and its publisher to a topic of its own."""

    def __init__(self, folder: Path, bootstrap: str, topic: str) -> None:
        url = f"sqlite:///{folder / 'pulse.db'}"
        migrate(url)
        self.store = Store(url, lambda name: self.publisher.announce(name))
        self.publisher = Publisher(bootstrap, self.store, topic)
        self.store.sites.ensure_organisation("ours", "Ours", NOW)

    def close(self) -> None:
        self.publisher.stop(0.1)
        self.store.close()


@pytest.fixture
def topic(kafka: str) -> str:
    name = f"config-{uuid4().hex[:8]}"
    create(kafka, name)
    return name


@pytest.fixture
def site(tmp_path: Path, kafka: str, topic: str) -> Iterator[Site]:
    made = Site(tmp_path, kafka, topic)
    yield made
    made.close()


def create(bootstrap: str, topic: str) -> None:
    """Make a topic of one partition."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


def records(bootstrap: str, topic: str) -> list[tuple[str, dict[str, Any], bytes]]:
    """All records of a topic: key, decoded value, and the value as it is."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid4().hex, "enable.partition.eof": True})
    parts = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts])
    ends = 0
    found: list[tuple[str, dict[str, Any], bytes]] = []
    try:
        while ends < len(parts):
            message = consumer.poll(10)
            assert message is not None
            error, key, value = message.error(), message.key(), message.value()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                ends += 1
                continue
            assert isinstance(key, bytes)
            assert isinstance(value, bytes)
            found.append((key.decode(), json.decode(value), value))
    finally:
        consumer.close()
    return found


def published(site: Site) -> bool:
    """Whether nothing waits to be published."""
    return site.publisher.waiting() == 0


def test_each_save_is_published_under_its_name_and_shows_no_secret(site: Site, kafka: str, topic: str) -> None:
    site.publisher.start()
    site.store.sites.create("ours", "shop", {"name": "Shop"}, NOW)
    made = site.store.keys.create(NewKey("ours", "shop", "k", ("stats:read",)), SECRET, NOW)
    eventually(lambda: published(site))
    site.store.keys.revoke("ours", None, made.stored.id, NOW + 1)
    eventually(lambda: published(site))
    found = records(kafka, topic)
    last = {key: value for key, value, _ in found}

    assert set(last) == {"site:shop", f"key:{made.stored.id}"}
    assert (last["site:shop"]["kind"], last["site:shop"]["name"]) == ("site", "Shop")
    assert last[f"key:{made.stored.id}"]["revoked"] == NOW + 1
    assert [value["version"] for key, value, _ in found if key.startswith("key:")][-1] == 2
    everything = b"".join(raw for _, _, raw in found).decode()
    for secret in (made.presented[11:], made.stored.fingerprint, made.stored.hashed, SECRET.decode()):
        assert secret not in everything


def test_a_start_publishes_all_that_is_stored(site: Site, kafka: str, topic: str) -> None:
    for number in range(5):
        site.store.sites.create("ours", f"s{number}", {"name": "x"}, NOW)
    other = Publisher(kafka, site.store, topic)
    other.start()
    other.announce_all()
    eventually(lambda: other.waiting() == 0)
    other.stop()

    assert sorted(key for key, _, _ in records(kafka, topic)) == [f"site:s{number}" for number in range(5)]


def test_stopping_publishes_what_waits(site: Site, kafka: str, topic: str) -> None:
    site.publisher.start()
    site.store.sites.create("ours", "shop", {"name": "Shop"}, NOW)
    site.publisher.stop()

    assert [key for key, _, _ in records(kafka, topic)] == ["site:shop"]


def test_a_save_does_not_wait_for_a_broker_and_is_published_once_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.control.publish.ACKNOWLEDGED_MS", 1_000)
    broker = services.embedded_kafka(tmp_path / "kafka")
    late = Site(tmp_path, broker.url, "pulse.config")
    late.publisher.start()
    late.store.sites.create("ours", "shop", {"name": "Shop"}, NOW)
    late.store.sites.change("ours", "shop", {"name": "The shop"})

    assert late.store.sites.get("ours", "shop").name == "The shop"
    eventually(lambda: "could not be published" in caplog.text)
    broker.start()
    eventually(lambda: "Unknown topic" in caplog.text)
    assert "pulse.config" not in AdminClient({"bootstrap.servers": broker.url}).list_topics(timeout=60).topics
    create(broker.url, "pulse.config")
    eventually(lambda: published(late))
    found = records(broker.url, "pulse.config")
    late.close()
    broker.stop()

    assert (found[-1][0], found[-1][1]["name"]) == ("site:shop", "The shop")
