"""Sessions for tests of recordings: events as refinement writes them, and the process that records them."""

import os
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from confluent_kafka import Producer
from msgspec import json

from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.place import HEADER, Place
from pulse.recordings.layout import META, day_of, folder_of, piece_name, session_name
from pulse.recordings.recorded import Meta, Recorded, encode, encode_meta
from pulse.recordings.store import Objects
from pulse.topics import EVENTS, partition_of

ROOT = Path(__file__).parents[1]
PARTITIONS = 3
Line = dict[str, Any]


def moment(text: str) -> int:
    """A moment (UTC) such as ``2026-03-05 23:59:00``, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def visit(number: int, begin: int, events: int = 10, every_ms: int = 1_000, **fields: Any) -> list[Line]:
    """A session's events as lines of `pulse.events`: pages, clicks, scrolls."""
    chance = random.Random(number)
    return [_line(chance, number, n, begin + n * every_ms) | fields for n in range(events)]


def _line(chance: random.Random, number: int, n: int, ts: int) -> Line:
    event = ("page_view", "click", "scroll")[n % 3]
    own: dict[str, Line] = {
        "page_view": {},
        "click": {"element": "a.buy", "x": 10.0 + n, "y": 20.0},
        "scroll": {"scroll_percent": 50},
    }
    return {
        "event": event,
        "event_id": str(UUID(int=chance.getrandbits(128), version=4)),
        "ts": ts,
        "site_id": "shop",
        "received_at": ts + 20,
        "visitor_id": f"v{number}",
        "session_id": f"s{number}",
        "consent": "granted",
        "url": f"https://shop.example/page/{n // 3}?token=secret-{n}#there",
        "ip": "203.0.113.0",
        "screen": "1280x720",
        "browser": "Firefox",
        "properties": json.encode(own[event] | {"card": "4111-1111"}).decode(),
    }


def recorded(line: Line, session: str = "", **given: Any) -> Recorded:
    """What is kept of an event, as far as these tests look at it."""
    fields = {name: line[name] for name in ("event_id", "event", "ts", "visitor_id")} | given
    return Recorded(session_id=session or line["session_id"], **fields)


def put(objects: Objects, site: str, events: Sequence[Recorded]) -> None:
    """Write some events of one session as one writer does, each day's as an object."""
    for day in {day_of(each.ts) for each in events}:
        some = [each for each in events if day_of(each.ts) == day]
        folder = folder_of(day, site, session_name(some[0].session_id))
        first = some[0]
        meta = Meta(site_id=site, session_id=first.session_id, visitor_id=first.visitor_id, started_at=first.ts)
        objects.put_once(f"{folder}/{META}", encode_meta(meta))
        content = encode(some)
        objects.put(piece_name(folder, some, content), content)


class Log:
    """Writes to `pulse.events` as refinement does."""

    def __init__(self, servers: str) -> None:
        self._producer = Producer({"bootstrap.servers": servers, "acks": "all"})
        self._offset = 0

    def send(self, lines: Iterable[Line], size: int = 7) -> None:
        """Write events as records of some lines, each in the partition of its visitor."""
        shares: dict[int, list[bytes]] = {}
        for line in lines:
            partition = partition_of(line["site_id"], line["visitor_id"], PARTITIONS)
            shares.setdefault(partition, []).append(json.encode(line))
        for partition, texts in shares.items():
            for begin in range(0, len(texts), size):
                self.put(b"\n".join([*texts[begin : begin + size], b""]), partition)
        assert self._producer.flush(60) == 0

    def put(self, value: bytes, partition: int = 0) -> None:
        """Write any record."""
        self._offset += 1
        place = Place("log", partition, self._offset).encode()
        self._producer.produce(EVENTS, value, partition=partition, headers={HEADER: place})
        self._producer.poll(0)


@dataclass
class Recorder:
    """A process `python -m streams.recordings`."""

    folder: Path
    kafka: str
    settings: dict[str, str] = field(default_factory=dict)
    running: Running | None = None

    def __post_init__(self) -> None:
        self.port = port.free()
        self.log = self.folder / f"recordings-{self.port}.log"

    @property
    def url(self) -> str:
        """Where it says how it does."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when its health page answers."""
        environment = {
            "PULSE_KAFKA_URL": self.kafka,
            "PULSE_RECORDINGS_PORT": str(self.port),
            "PULSE_RECORDINGS_URL": "folder",
            "PULSE_RECORDINGS_SECONDS": "0.2",
            "PULSE_DATA": str(self.folder),
            "PULSE_INSTANCE": f"this-{self.port}",
            **self.settings,
        }
        self.running = start_process(
            "recordings",
            [sys.executable, "-m", "streams.recordings"],
            self.log,
            lambda: probe.http(self.port, "/health"),
            cwd=ROOT,
            env={**os.environ, **environment},
        )

    def kill(self) -> None:
        """SIGKILL."""
        if self.running is not None:
            self.running.kill()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.running is not None
        self.running.process.terminate()
        return self.running.process.wait(60)

    def metric(self, name: str) -> float:
        """A figure of its metrics page, summed over its labels."""
        page = httpx.get(f"{self.url}/metrics", timeout=10).text
        return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith((name + " ", name + "{")))

    def health(self) -> tuple[int, int]:
        """Whether it is alive, and whether it is ready: status codes."""
        alive, ready = (httpx.get(f"{self.url}{path}", timeout=10) for path in ("/health", "/health/ready"))
        return alive.status_code, ready.status_code

    def checks(self) -> dict[str, str]:
        """What it says it waits for."""
        found: dict[str, str] = httpx.get(f"{self.url}/health/ready", timeout=10).json()["checks"]
        return found
