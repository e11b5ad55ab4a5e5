"""A live view for tests: the process over a real log, the keys of two organisations, and clients of both ways."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
from confluent_kafka import Producer
from msgspec import json
from websockets.sync.client import ClientConnection, connect

from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.settings import Settings
from pulse.topics import ALERTS, EVENTS, partition_of
from streams.topics import create
from tests.eventually import eventually
from tests.querying import SECRET, populated

ROOT = Path(__file__).parents[1]
PARTITIONS = 3
TOKEN_KEY = "the secret by which these tests sign tokens"
Line = dict[str, Any]


def token(site: str = "shop", ends_in: float = 600, key: str = TOKEN_KEY) -> str:
    """A token for a site."""
    return jwt.encode({"site": site, "aud": "pulse-live", "exp": int(time.time() + ends_in)}, key, "HS256")


def line(event: str = "page_view", site: str = "shop", **fields: Any) -> Line:
    """An enriched event of a random visitor, just received."""
    now = int(time.time() * 1000)
    return {
        "event": event,
        "event_id": str(uuid4()),
        "site_id": site,
        "ts": now,
        "received_at": now,
        "visitor_id": uuid4().hex,
        "url": "https://shop.example/a",
        "path": "/a",
        "ip": "203.0.113.0",
        "user_agent": "Mozilla/5.0",
        "country": "AT",
    } | fields


@dataclass
class Living:
    """A running live view, and the log that it reads."""

    kafka: str
    folder: Path
    environment: dict[str, str]
    keys: Mapping[str, str]
    running: Running | None = None
    port: int = 0
    producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": self.kafka, "linger.ms": 0, "log_level": 2})

    @property
    def address(self) -> str:
        """Where it listens, without a scheme."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it takes connections."""
        self.port = port.free()
        environment = {**os.environ, **self.environment, "PULSE_LIVE_PORT": str(self.port)}
        self.running = start_process(
            "live",
            [sys.executable, "-m", "api.live"],
            self.folder / "live.log",
            lambda: probe.http(self.port, "/health"),
            cwd=ROOT,
            env=environment,
        )
        eventually(lambda: probe.http(self.port, "/health/ready"))

    def stop(self) -> None:
        """End the process as an operator would."""
        if self.running:
            self.running.stop()

    def send(self, *events: Line, record: int = 100) -> None:
        """Write enriched events into the log, and wait until they are there."""
        self.write(*events, record=record)
        assert self.producer.flush(60) == 0

    def write(self, *events: Line, record: int = 100) -> None:
        """Write enriched events into the log, each in its visitor's partition."""
        shares: dict[int, list[bytes]] = {}
        for event in events:
            partition = partition_of(event["site_id"], event["visitor_id"], PARTITIONS)
            shares.setdefault(partition, []).append(json.encode(event))
        for partition, lines in shares.items():
            for begin in range(0, len(lines), record):
                self.put(EVENTS, b"\n".join([*lines[begin : begin + record], b""]), partition)

    def put(self, topic: str, value: bytes, partition: int = 0, **more: Any) -> None:
        """Write a record."""
        self.producer.produce(topic, value, partition=partition, **more)
        self.producer.poll(0)

    def notice(self, site: str, **data: Any) -> None:
        """Write a notice into the log."""
        value = {"id": uuid4().hex, "kind": "alert.firing", "site_id": site, "at": 1, "data": data}
        self.put(ALERTS, json.encode(value), partition_of(site, "", PARTITIONS))
        assert self.producer.flush(60) == 0

    def headers(self, key: str | None = "reader") -> dict[str, str]:
        """The headers of one of the keys."""
        return {"authorization": f"Bearer {self.keys[key]}"} if key else {}

    def socket(self, query: str = "", key: str | None = "reader", **more: Any) -> ClientConnection:
        """A WebSocket."""
        url = f"ws://{self.address}/api/v1/live?{query}"
        headers = self.headers(key) | more.pop("headers", {})
        made: ClientConnection = connect(url, additional_headers=headers, compression=None, proxy=None, **more)
        return made

    @contextmanager
    def stream(self, query: str = "", key: str | None = "reader", **headers: str) -> Iterator[httpx.Response]:
        """An event stream."""
        url = f"http://{self.address}/api/v1/live?{query}"
        with httpx.stream("GET", url, headers=self.headers(key) | headers, timeout=30, trust_env=False) as answer:
            yield answer

    def post(self, path: str, key: str | None = "reader", **more: Any) -> httpx.Response:
        """Send a request."""
        return httpx.post(f"http://{self.address}{path}", headers=self.headers(key), trust_env=False, **more)


@contextmanager
def living(kafka: str, folder: Path, **settings: str) -> Iterator[Living]:
    """A live view over a log, with a database of sites and keys of its own."""
    content, _, keys = populated()
    (folder / "pulse.db").write_bytes(content)
    create(Settings(kafka_url=kafka, partitions=PARTITIONS))
    environment = {
        "PULSE_DATA": str(folder),
        "PULSE_SECRET": SECRET,
        "PULSE_KAFKA_URL": kafka,
        "PULSE_REDIS_URL": f"redis://127.0.0.1:{port.free()}/0",
        "PULSE_LIVE_JWT_KEY": TOKEN_KEY,
        **settings,
    }
    made = Living(kafka, folder, environment, keys)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def received(socket: ClientConnection, kind: str, within: float = 60) -> Line:
    """The next message of a kind."""
    deadline = time.monotonic() + within
    while True:
        got: Line = json.decode(socket.recv(timeout=max(0.01, deadline - time.monotonic())))
        if got["type"] == kind:
            return got


def names(*messages: Line) -> Sequence[str]:
    """The names of the events of messages."""
    return [event["event"] for message in messages for event in message["events"]]
