"""The alerts as a process over a broker and a store of its own, and what stands in the log of what it told."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Producer
from msgspec import json

from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.minute import MINUTE_MS
from pulse.notice import Notice
from pulse.topics import ALERTS, CONFIG
from streams.broker import Broker
from tests.storing import PARTITIONS, ROOT


def record(rule_id: str, site: str, definition: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A rule as `pulse.config` carries it."""
    kept: dict[str, Any] = {
        "kind": "rule",
        "id": rule_id,
        "site_id": site,
        "name": f"The rule {rule_id}",
        "definition": dict(definition),
        "enabled": True,
        "muted": False,
        "snoozed_until": None,
        "changed": 0,
        "archived": None,
    }
    return kept | more


def this_minute(ahead_s: float = 0) -> int:
    """The minute since the epoch in which we are."""
    return int((time.time() + ahead_s) * 1000) // MINUTE_MS


@dataclass
class Alerts:
    """The process, the rules that it is given, and the notices that it wrote."""

    folder: Path
    kafka: str
    clickhouse: str
    settings: dict[str, str] = field(default_factory=dict)
    running: Running | None = None

    def __post_init__(self) -> None:
        self.port = port.free()
        self.broker = Broker(self.kafka)

    def rule(self, *records: Mapping[str, Any]) -> None:
        """Publish rules as the control plane does."""
        producer = Producer({"bootstrap.servers": self.kafka, "acks": "all"})
        for each in records:
            producer.produce(CONFIG, json.encode(each), f"{each['kind']}:{each['id']}")
        assert producer.flush(30) == 0

    def start(self) -> None:
        """Start it; returns when its health page answers."""
        environment = {
            "PULSE_KAFKA_URL": self.kafka,
            "PULSE_CLICKHOUSE_URL": self.clickhouse,
            "PULSE_ALERTS_PORT": str(self.port),
            "PULSE_ALERTS_GRACE_SECONDS": "1",
            "PULSE_SESSION_TIMEOUT_MS": "1500",
            "PULSE_INSTANCE": "test",
            **self.settings,
        }
        self.running = start_process(
            "alerts",
            [sys.executable, "-m", "streams.alerts"],
            self.folder / "alerts.log",
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

    def is_ready(self) -> bool:
        """Whether it says that it evaluates."""
        return httpx.get(f"http://127.0.0.1:{self.port}/health/ready").status_code == 200

    def metric(self, name: str) -> float:
        """A figure of its metrics page."""
        page = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))

    def notices(self) -> list[Notice]:
        """All notices in the log."""
        return [
            json.decode(message.value() or b"", type=Notice)
            for partition in range(PARTITIONS)
            for message in self.broker.read((ALERTS, partition), 0)
        ]

    def told(self) -> list[tuple[str, str]]:
        """The rule and the kind of each notice, in order within a partition."""
        return [(notice.data["rule_id"], notice.kind) for notice in self.notices()]
