"""What the streams would write, and the sink as a process: for tests of the store alone."""

import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import json

from clickhouse.client import Client
from clickhouse.sink.reader import GROUP
from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse import topics
from pulse.ledger import HEADER as LEDGER
from pulse.minute import MINUTE_MS, Seen, fold, partials
from pulse.place import HEADER, Place
from pulse.settings import Settings
from streams.ledger import entries, headers
from streams.topics import create
from tests.eventually import eventually
from tests.exact import Store
from tests.migrated import migrate

ROOT = Path(__file__).parents[1]
PARTITIONS = 3
NOW_MS = 1_790_000_000_000
Line = dict[str, Any]


def events(seed: int, number: int, begin_ms: int = NOW_MS, span_ms: int = 3_600_000) -> list[Line]:
    """Refined events of a few sites, as lines of `pulse.events`."""
    chance = random.Random(seed)
    return [_event(chance, begin_ms + chance.randrange(span_ms)) for _ in range(number)]


def _event(chance: random.Random, ts: int) -> Line:
    line: Line = {
        "event": chance.choice(["page_view", "click", "purchase", "größe"]),
        "event_id": str(UUID(int=chance.getrandbits(128), version=4)),
        "ts": ts,
        "site_id": chance.choice(["one", "two", "three"]),
        "received_at": ts + 20,
        "visitor_id": f"v{chance.randrange(50)}",
        "properties": '{"n": 1}',
        "path": "/",
        "bot": chance.random() < 0.1,
    }
    if chance.random() < 0.5:
        line |= {"country": chance.choice(["AT", "DE", "US"]), "device_type": chance.choice(["desktop", "mobile"])}
    if chance.random() < 0.3:
        line |= {"user_id": f"u{chance.randrange(30)}"}
    if chance.random() < 0.3:
        line |= {"session_id": f"s{chance.randrange(80)}"}
    if line["event"] == "purchase":
        line |= {
            "revenue": round(chance.uniform(-5, 500), chance.randrange(7)),
            "currency": chance.choice(["EUR", "USD"]),
        }
    return line


@dataclass
class Log:
    """Writes what refine and rollup would, for raw records of a log with the id `id`."""

    servers: str
    id: str = field(default_factory=lambda: uuid4().hex)
    offsets: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": self.servers, "linger.ms": 1, "acks": "all", "enable.idempotence": True}
        )

    def write(self, lines: Sequence[Line], size: int = 50) -> list[str]:
        """Write events as records of `size`, and their partials; their ids."""
        for begin in range(0, len(lines), size):
            part = lines[begin : begin + size]
            partition = topics.partition_of("", str(begin), PARTITIONS)
            offset = self.offsets.get(partition, 0)
            self.offsets[partition] = offset + 1
            self.put(part, Place(self.id, partition, offset))
        self.flush()
        return [line["event_id"] for line in lines]

    def put(self, lines: Sequence[Line], place: Place) -> None:
        """Write one record of events and its partials at a place."""
        self.send(topics.EVENTS, place.partition, lines_of(lines), place, ledger=ledger_of(lines))
        seen = [json.decode(json.encode(line), type=Seen) for line in lines]
        for partition in range(PARTITIONS):
            own = [e for e in seen if topics.partition_of(e.site_id, "", PARTITIONS) == partition]
            if own:
                self.send(topics.METRICS, partition, json.Encoder().encode_lines(partials(fold(own))), place)

    def send(
        self,
        topic: str,
        partition: int,
        value: bytes,
        place: Place | None,
        key: bytes | None = None,
        ledger: bytes | None = None,
    ) -> None:
        """Write any record."""
        marks = {HEADER: place.encode() if place else None, LEDGER: ledger}
        written: list[tuple[str, str | bytes | None]] = [(name, mark) for name, mark in marks.items() if mark]
        self._producer.produce(topic, value, key, partition, headers=written)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        assert self._producer.flush(30) == 0


def lines_of(lines: Iterable[Line]) -> bytes:
    """Events as the value of a record."""
    return b"".join(json.encode(line) + b"\n" for line in lines)


def ledger_of(lines: Sequence[Line], duplicates: int = 0) -> bytes:
    """The ledger of a raw record of these events, the last few of which were no news."""
    cells = [(line["site_id"], line["received_at"] // MINUTE_MS) for line in lines]
    [header] = headers(entries(Counter(cells), Counter(cells[: len(cells) - duplicates]), [], NOW_MS))
    return header


@dataclass
class Sink:
    """The sink as a process over a broker and a database of its own."""

    folder: Path
    kafka: str
    clickhouse: str
    settings: dict[str, str] = field(default_factory=dict)
    running: Running | None = None

    def __post_init__(self) -> None:
        self.port = port.free()

    def prepare(self) -> None:
        """Make topics and tables."""
        eventually(self._create_topics)
        migrate(Client(self.clickhouse))

    def _create_topics(self) -> bool:
        create(Settings(kafka_url=self.kafka, partitions=PARTITIONS))
        return True

    def start(self) -> None:
        """Start it; returns when its health page answers."""
        environment = {
            "PULSE_KAFKA_URL": self.kafka,
            "PULSE_CLICKHOUSE_URL": self.clickhouse,
            "PULSE_SINK_PORT": str(self.port),
            "PULSE_SINK_WAIT_MS": "100",
            "PULSE_SESSION_TIMEOUT_MS": "1500",
            "PULSE_INSTANCE": "test",
            **self.settings,
        }
        self.running = start_process(
            "sink",
            [sys.executable, "-m", "clickhouse.sink"],
            self.folder / "sink.log",
            lambda: probe.http(self.port, "/health"),
            cwd=ROOT,
            env={**os.environ, **environment},
        )

    def kill(self) -> None:
        """End it at once."""
        assert self.running is not None
        self.running.kill()

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        assert self.running is not None
        self.running.stop(timeout=60)
        return int(self.running.process.returncode)

    @property
    def store(self) -> Store:
        """What it has stored."""
        return Store(self.clickhouse)

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "sink.log").read_text()


def delete_topics(servers: str) -> None:
    """Delete all topics of the product, as if the log were new."""
    admin = AdminClient({"bootstrap.servers": servers})
    there = [topic for topic in admin.list_topics(timeout=60).topics if topic.startswith("pulse.")]
    if not there:
        return
    for deleted in admin.delete_topics(there).values():
        deleted.result()
    eventually(lambda: not [t for t in admin.list_topics(timeout=60).topics if t.startswith("pulse.")])


def commit(servers: str, topic: str, offset: Callable[[int], int]) -> None:
    """Move the group's committed offsets, as somebody might by mistake."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": GROUP, "enable.auto.commit": False})
    found = consumer.committed([TopicPartition(topic, p) for p in range(PARTITIONS)], timeout=60)
    moved = [TopicPartition(topic, at.partition, offset(max(at.offset, 0))) for at in found]

    def committed() -> bool:
        consumer.commit(offsets=moved, asynchronous=False)
        return True

    eventually(committed)
    consumer.close()
