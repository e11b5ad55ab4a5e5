"""The backing services a test stands on: each can be killed and started again with what it had stored.

Containers where a Docker engine answers, processes of this machine elsewhere; a test cannot tell.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache as once
from pathlib import Path
from typing import Any, Protocol

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer

from deploy.local import apache_kafka, cache, clickhouse_server, port, probe, tansu, valkey
from deploy.local.process import Running
from tests.eventually import eventually


class Service(Protocol):
    """A backing service under its address `url`, which stays the same over restarts."""

    url: str

    def start(self) -> None:
        """Start it and wait until it answers."""

    def stop(self) -> None:
        """End it as an operator would."""

    def kill(self) -> None:
        """End it at once, with no chance to tidy up."""

    def freeze(self) -> None:
        """Let it stand still, as a machine does that swaps or is moved: its connections stay, and nothing answers."""

    def thaw(self) -> None:
        """Let it go on after `freeze`."""


@dataclass
class Process:
    """A service as a process of this machine."""

    url: str
    launch: Callable[[], Running]
    running: Running | None = None

    def start(self) -> None:
        self.running = self.launch()

    def stop(self) -> None:
        if self.running:
            self.running.stop()

    def kill(self) -> None:
        if self.running:
            self.running.kill()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.running and self.running.is_alive():
            os.killpg(self.running.pid, number)


@dataclass
class Container:
    """A service as a Docker container with fixed ports, so that it keeps its address."""

    url: str
    image: str
    ports: dict[int, int]
    answers: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)
    container: Any = None

    def start(self) -> None:
        if self.container is None:
            self.container = DockerContainer(self.image)
            for inside, outside in self.ports.items():
                self.container.with_bind_ports(inside, outside)
            for name, value in self.environment.items():
                self.container.with_env(name, value)
            self.container.start()
        else:
            self.container.get_wrapped_container().start()
        eventually(self.answers, within=120)

    def stop(self) -> None:
        self.container.get_wrapped_container().stop(timeout=15)

    def kill(self) -> None:
        self.container.get_wrapped_container().kill()

    def freeze(self) -> None:
        self.container.get_wrapped_container().pause()

    def thaw(self) -> None:
        self.container.get_wrapped_container().unpause()


@once
def docker_answers() -> bool:
    """Whether a Docker engine runs here."""
    try:
        return bool(docker.from_env(timeout=5).ping())
    except DockerException:
        return False


def embedded_kafka(folder: Path) -> Service:
    """A broker of the Kafka protocol whose log is in memory, everywhere the same."""
    at = port.free()
    return Process(f"127.0.0.1:{at}", lambda: tansu.start(folder, at))


def kafka(folder: Path) -> Service:
    """An Apache Kafka, whose log outlives it."""
    at, controller = port.free(), port.free()
    url = f"127.0.0.1:{at}"
    if docker_answers():
        return Container(
            url, f"apache/kafka:{apache_kafka.VERSION}", {at: at}, lambda: probe.kafka(url), _kafka_environment(at)
        )
    jars = apache_kafka.install(cache.folder())
    return Process(url, lambda: apache_kafka.start(folder, at, controller, jars=jars))


def kafka_nodes(folder: Path, number: int) -> list[Service]:
    """The nodes of an Apache Kafka, each with its copy of the log; they answer once most of them are started."""
    jars = apache_kafka.install(cache.folder())
    voters = {node: port.free() for node in range(1, number + 1)}

    def node(name: int) -> Service:
        at, own = port.free(), folder / str(name)
        return Process(
            f"127.0.0.1:{at}",
            lambda: apache_kafka.start(
                own, at, voters[name], node=name, voters=voters, jars=jars, heap="256m", within=180
            ),
        )

    return [node(name) for name in voters]


def clickhouse(folder: Path) -> Service:
    """A ClickHouse, its user `default` without a password."""
    if docker_answers():
        at = port.free()
        return Container(
            f"http://127.0.0.1:{at}",
            "clickhouse/clickhouse-server:26.9",
            {8123: at},
            lambda: probe.http(at, "/ping"),
            {"CLICKHOUSE_SKIP_USER_SETUP": "1"},
        )
    return clickhouse_here(folder)


def clickhouse_here(folder: Path) -> Service:
    """The same as a process of this machine, whatever Docker says: its data lies in `folder`."""
    at, native = port.free(), port.free()
    return Process(f"http://127.0.0.1:{at}", lambda: clickhouse_server.start(folder, at, native))


def redis(folder: Path) -> Service:
    """A Valkey."""
    at = port.free()
    url = f"redis://127.0.0.1:{at}/0"
    if docker_answers():
        return Container(url, "valkey/valkey:9", {6379: at}, lambda: probe.redis(at))
    return Process(url, lambda: valkey.start(folder, at))


def _kafka_environment(at: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:9093",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{at},CONTROLLER://127.0.0.1:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{at}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
