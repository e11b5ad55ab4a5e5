"""A collector for tests: the real process before a real broker, with keys of its own database."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import msgspec
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from api.control.keys import NewKey
from api.control.migrate import migrate
from api.control.store import Store
from deploy.local import port, probe
from deploy.local.process import Running, start
from pulse.event import RawEvent
from pulse.lag import true_ends
from pulse.topics import RAW, REFINING, SLOW

ROOT = Path(__file__).parents[1]
SITE = "shop"
ORIGIN = "https://shop.example.com"
SECRET = "a long text that only this test knows"
PARTITIONS = 4

KEYS: dict[str, dict[str, Any]] = {
    "secret": {"site": SITE, "scopes": ("events:write",)},
    "importing": {"site": SITE, "scopes": ("events:write", "events:import")},
    "reading": {"site": SITE, "scopes": ("stats:read",)},
    "everywhere": {"site": None, "scopes": ("events:write",)},
    "public": {"site": SITE, "scopes": ("events:write",), "origins": (ORIGIN, "https://*.example.org"), "public": True},
    "page": {"site": SITE, "scopes": ("events:write",), "origins": ("http://127.0.0.1:*",), "public": True},
}


@dataclass
class Collector:
    """A running collector and what a test asks of it."""

    running: Running
    url: str
    keys: Mapping[str, str]
    client: httpx.Client
    folder: Path

    def post(self, body: Any, key: str | None = "secret", **options: Any) -> httpx.Response:
        """Send a body, encoded as JSON unless it is bytes, with one of the keys."""
        headers = {"content-type": "application/json"} | dict(options.pop("headers", {}))
        if key:
            headers["authorization"] = f"Bearer {self.keys[key]}"
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.client.post("/v1/events", content=content, headers=headers, **options)

    def metric(self, name: str) -> float:
        """The value of a metric without labels, or with them as they are written."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")


def create_raw(bootstrap: str, partitions: int = PARTITIONS, topics: Iterable[str] = REFINING) -> None:
    """Make the raw log, both lanes of it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics]).values():
        made.result(30)


@contextmanager
def collecting(bootstrap: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Collector]:
    """A collector of its own, ended afterwards; `settings` are further ``PULSE_…`` variables."""
    at = port.free()
    environment = {
        "PULSE_DATA": str(folder),
        "PULSE_SECRET": SECRET,
        "PULSE_KAFKA_URL": bootstrap,
        "PULSE_REDIS_URL": f"redis://127.0.0.1:{port.free()}/0",
        "PULSE_COLLECTOR_PORT": str(at),
        **(settings or {}),
    }
    keys = make_keys(folder)
    command = [sys.executable, "-m", "api.collector"]
    running = start(
        "collector", command, folder / "collector.log", lambda: probe.http(at, "/health"), cwd=ROOT, env=environment
    )
    url = f"http://127.0.0.1:{at}"
    with httpx.Client(base_url=url, timeout=60) as client:
        try:
            yield Collector(running, url, keys, client, folder)
        finally:
            running.stop()


def make_keys(folder: Path) -> dict[str, str]:
    """A key of each kind in a database of the folder, which stays if it is there."""
    content, keys = populated()
    file = folder / "pulse.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return dict(keys)


@cache
def populated() -> tuple[bytes, dict[str, str]]:
    """A database with the site and the keys, made once; the keys by their names."""
    now = time.time_ns() // 1_000_000
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pulse.db"
        migrate(f"sqlite:///{file}")
        store = Store(f"sqlite:///{file}")
        store.sites.ensure_organisation("ours", "Ours", now)
        store.sites.create("ours", SITE, {"name": "Shop"}, now)
        made = {
            name: store.keys.create(NewKey(organisation="ours", name=name, **kind), SECRET.encode(), now).presented
            for name, kind in KEYS.items()
        }
        store.close()
        return file.read_bytes(), made


@dataclass(frozen=True)
class Found:
    """A record of the raw log, its events in order."""

    partition: int
    value: bytes
    events: list[RawEvent]


def records(bootstrap: str, partitions: int = PARTITIONS, topic: str = RAW) -> list[Found]:
    """All records of a lane of the raw log up to now."""
    reading = {"group.id": "looking", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
    consumer = Consumer({"bootstrap.servers": bootstrap, **reading})
    try:
        wheres = [(topic, each) for each in range(partitions)]
        ends = true_ends(bootstrap, {where: _end(consumer, *where) for where in wheres})
        return [found for where in wheres for found in _partition(consumer, *where, ends[where])]
    finally:
        consumer.close()


def events(bootstrap: str, partitions: int = PARTITIONS, topic: str = RAW) -> list[RawEvent]:
    """All events of a lane of the raw log up to now."""
    return [event for record in records(bootstrap, partitions, topic) for event in record.events]


def slow_events(bootstrap: str) -> list[RawEvent]:
    """All events of the lane that yields up to now."""
    return events(bootstrap, topic=SLOW)


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    end: int = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60)[1]
    return end


def _partition(consumer: Consumer, topic: str, partition: int, end: int) -> Iterator[Found]:
    first, _ = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60)
    consumer.assign([TopicPartition(topic, partition, first)])
    decoder = msgspec.json.Decoder(RawEvent)
    while first < end:
        message = consumer.poll(60)
        assert message is not None
        assert message.error() is None
        first = (message.offset() or 0) + 1
        value = message.value() or b""
        assert isinstance(value, bytes)
        yield Found(partition, value, decoder.decode_lines(value))
