"""The streams as a process over a broker of their own: raw records in, what they make of them out."""

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from confluent_kafka import KafkaError, Message, Producer
from msgspec import json

from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.ledger import Entry, header_of
from pulse.minute import Key, Partial, Seen, Sums, fold, merge, minute_of
from pulse.place import Place, place_of
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import EVENTS, METRICS, RAW, REJECTED, partition_of
from streams.broker import Broker
from streams.topics import create
from tests.eventually import eventually

ROOT = Path(__file__).parents[1]
PARTITIONS = 3
Line = dict[str, Any]


def raw_event(event_id: str | None = None, **fields: Any) -> Line:
    """An accepted event of a random visitor."""
    now = int(time.time() * 1000)
    return {
        "event": "page_view",
        "event_id": event_id or str(uuid4()),
        "site_id": "shop",
        "ts": now,
        "received_at": now,
        "visitor_id": uuid4().hex,
        "url": "https://shop.example/?utm_source=google&utm_medium=cpc",
        "ip": "203.0.113.77",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    } | fields


@dataclass
class Log:
    """A broker as those see it who produce straight to the raw log, and who read what becomes of it."""

    servers: str

    def __post_init__(self) -> None:
        create(Settings(kafka_url=self.servers, partitions=PARTITIONS))
        self.producer = Producer({**reaching(self.servers), "acks": "all"})
        self.broker = Broker(self.servers)

    def send(self, events: Sequence[Line], size: int = 20, **more: Any) -> set[str]:
        """Write events as raw records of at most `size`, each in its visitor's partition; their ids."""
        shares = defaultdict(list)
        for event in events:
            shares[partition_of(event["site_id"], event["visitor_id"], PARTITIONS)].append(json.encode(event))
        for partition, lines in shares.items():
            for begin in range(0, len(lines), size):
                self.put(b"\n".join([*lines[begin : begin + size], b""]), partition, **more)
        self.flush()
        return {event["event_id"] for event in events}

    def put(self, value: bytes | None, partition: int = 0, topic: str = RAW, **more: Any) -> None:
        """Write any record."""
        self.producer.produce(topic, value, partition=partition, on_delivery=_demand, **more)
        self.producer.poll(0)

    def flush(self) -> None:
        """Wait until all is acknowledged."""
        left = self.producer.flush(120)
        assert not left, f"{left} records were not acknowledged within 120 s"

    def read(self, topic: str) -> list[Message]:
        """All records of a topic, partition by partition."""
        return [message for partition in range(PARTITIONS) for message in self.broker.read((topic, partition), 0)]

    def applied(self, topic: str) -> list[tuple[Place, Message]]:
        """The records that a consumer applies: those whose place is beyond the last one of its partitions."""
        reached: dict[tuple[int | None, str, int], int] = {}
        found = []
        for message in self.read(topic):
            place = place_of(message.headers())  # type: ignore[arg-type]
            row = message.partition(), place.log, place.partition
            if place.number > reached.get(row, -1):
                reached[row] = place.number
                found.append((place, message))
        return found

    def events(self) -> list[Line]:
        """The events that a consumer applies."""
        return lines(message for _, message in self.applied(EVENTS))

    def ledger(self) -> list[Entry]:
        """The entries of the ledger that a consumer applies."""
        headers = (header_of(message.headers()) or b"" for _, message in self.applied(EVENTS))  # type: ignore[arg-type]
        return [json.decode(line, type=Entry) for header in headers for line in header.splitlines()]

    def assert_balanced(self) -> None:
        """See that the ledger tells of the events that are there, and that nothing vanished."""
        entries = self.ledger()
        assert all(e.received == e.kept + e.duplicates + e.rejected for e in entries)
        kept: Counter[tuple[str, int]] = Counter()
        for e in entries:
            kept[e.site_id, e.minute] += e.kept
        assert +kept == Counter((e["site_id"], minute_of(e["received_at"])) for e in self.events())
        assert sum(e.rejected for e in entries) == len(self.rejected())

    def rejected(self) -> list[Line]:
        """The refused lines that a consumer applies."""
        return lines(message for _, message in self.applied(REJECTED))

    def ids(self) -> Counter[str]:
        """How often each event id is applied."""
        return Counter(event["event_id"] for event in self.events())

    def minutes(self) -> dict[Key, Sums]:
        """The minute aggregates that a consumer ends with."""
        sums: dict[Key, Sums] = {}
        for line in lines(message for _, message in self.applied(METRICS)):
            p = json.decode(json.encode(line), type=Partial)
            key = Key(p.site_id, p.minute, p.event, p.country, p.device_type, p.currency)
            sums = merge(sums, {key: Sums(p.events, p.bots, p.revenue)})
        return sums

    def expected_minutes(self) -> dict[Key, Sums]:
        """The minute aggregates of the applied events, counted from them."""
        return fold(json.decode(json.encode(event), type=Seen) for event in self.events())

    def assert_exact(self, ids: Iterable[str], within: float = 30) -> None:
        """Wait until every id is applied, then see that it is so once, and that minutes and ledger are those of the events."""
        wanted = set(ids)
        eventually(lambda: self.ids().keys() >= wanted, within, every=0.5)
        found = self.ids()
        foreign, doubled = found.keys() - wanted, [id for id, n in found.items() if n > 1]
        assert (len(foreign), len(doubled)) == (0, 0), (
            f"{len(foreign)} foreign, {len(doubled)} doubled of {len(wanted)}"
        )
        eventually(lambda: self.minutes() == self.expected_minutes(), within, every=0.5)
        self.assert_balanced()


def _demand(error: KafkaError | None, message: Message) -> None:
    assert error is None, error.str()


def lines(messages: Iterable[Message]) -> list[Line]:
    """The lines of records."""
    return [json.decode(line) for message in messages for line in (message.value() or b"").splitlines()]


@dataclass
class Streams:
    """A process `python -m streams`."""

    folder: Path
    kafka: str
    clickhouse: str
    settings: dict[str, str] = field(default_factory=dict)
    command: Sequence[str] = ("-m", "streams")
    running: Running | None = None

    def __post_init__(self) -> None:
        self.port = port.free()
        self.log = self.folder / f"streams-{self.port}.log"

    def start(self) -> None:
        """Start it; returns when its health page answers."""
        environment = {
            "PULSE_KAFKA_URL": self.kafka,
            "PULSE_CLICKHOUSE_URL": self.clickhouse,
            "PULSE_STREAMS_PORT": str(self.port),
            "PULSE_DATA": str(self.folder),
            "PULSE_SECRET": "a secret of the tests",
            "PULSE_PARTITIONS": str(PARTITIONS),
            **self.settings,
        }
        self.running = start_process(
            "streams",
            [sys.executable, *self.command],
            self.log,
            lambda: probe.http(self.port, "/health"),
            cwd=ROOT,
            env={**os.environ, **environment},
        )

    def checks(self) -> dict[str, str]:
        """What it says it waits for."""
        found: dict[str, str] = httpx.get(f"http://127.0.0.1:{self.port}/health/ready").json()["checks"]
        return found

    def await_ready(self) -> None:
        """Wait until it says that it is ready."""
        eventually(lambda: httpx.get(f"http://127.0.0.1:{self.port}/health/ready").status_code == 200)

    def metric(self, name: str) -> float:
        """A figure of its metrics page, summed over its labels."""
        page = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text
        return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith((name + " ", name + "{")))

    def stop(self) -> int:
        """Ask it to end, and return its exit code; at most a minute."""
        assert self.running is not None
        self.running.process.terminate()
        return self.running.process.wait(60)

    def kill(self) -> None:
        """End it at once."""
        if self.running is not None:
            self.running.kill()

    def exit_code(self, within: float) -> int:
        """The code with which it ends by itself."""
        assert self.running is not None
        return self.running.process.wait(within)
