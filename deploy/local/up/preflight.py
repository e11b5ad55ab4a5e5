"""What this machine must offer before anything is started: each lack is one sentence that says what to do."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.local import clickhouse_server, java, tansu, valkey
from deploy.local import port as ports
from deploy.local.up import containers, parts
from deploy.local.up.choice import URLS, Kind
from deploy.local.up.plan import Plan
from pulse import listening
from pulse.diagnosis import network
from pulse.errors import PulseError

LEAST_FREE_BYTES = 1_000_000_000
HERE = (Kind.embedded, Kind.native)
"""The kinds that are processes of this machine; a container that runs already has its ports rightly."""


def check(plan: Plan) -> None:
    """Raise PulseError for the first thing that is missing."""
    demand_same_nodes(plan)
    demand_space(shutil.disk_usage(plan.data).free, plan.data)
    _demand_programs(plan)
    _demand_answers(plan)
    listening.demand(plan.settings.host)
    for port, user, variable, host in wanted_ports(plan):
        ports.demand(port, user, f"set {variable} to another port", host)


def demand_same_nodes(plan: Plan) -> None:
    """Raise PulseError if a Kafka of another number of nodes has a log here: what is in it would be left behind."""
    number = len(plan.nodes())
    made = {int(folder.name.rpartition("-")[2]): folder for folder in plan.data.glob("kafka-of-*")}
    if (plan.data / "kafka").is_dir():
        made[1] = plan.data / "kafka"
    other = next((each for each in sorted(made) if number and each != number), None)
    if other is not None:
        raise PulseError(
            f"the Kafka in {made[other]} has {other} nodes, and PULSE_KAFKA_NODES is {number}: set it to {other}; or, once "
            "`pulse status` has shown no lag, stop everything and delete that folder"
        )


def demand_space(free: int, folder: Path) -> None:
    """Raise PulseError unless there is 1 GB free where the data lies."""
    if free < LEAST_FREE_BYTES:
        raise PulseError(
            f"only {free / 1e9:.2f} GB are free where {folder} lies, and Pulse wants 1 GB: "
            "make room, or set PULSE_DATA to a folder on another disk"
        )


def wanted_ports(plan: Plan) -> Iterator[tuple[int, str, str, str]]:
    """Each port that will be listened on: its number, by whom, the setting that changes it, the address."""
    s, kinds, loopback = plan.settings, plan.kinds, "127.0.0.1"
    if kinds["kafka"] == Kind.embedded:
        yield s.kafka_port, "Kafka", "PULSE_KAFKA_PORT", loopback
    for name, (at, controller) in plan.nodes().items():
        yield at, name, "PULSE_KAFKA_PORT", loopback
        yield controller, f"{name}'s controller", "PULSE_KAFKA_CONTROLLER_PORT", loopback
    if kinds["clickhouse"] in HERE:
        yield s.clickhouse_port, "ClickHouse", "PULSE_CLICKHOUSE_PORT", loopback
        yield s.clickhouse_native_port, "ClickHouse's native protocol", "PULSE_CLICKHOUSE_NATIVE_PORT", loopback
    if kinds["redis"] in HERE:
        yield s.redis_port, "Redis", "PULSE_REDIS_PORT", loopback
    for process in plan.processes():
        yield process.port, process.user, process.variable, s.host


def _demand_answers(plan: Plan) -> None:
    attempts = {"kafka": network.kafka, "clickhouse": network.clickhouse, "redis": network.redis}
    for name, attempt in attempts.items():
        if plan.kinds[name] == Kind.own:
            url = plan.environment[URLS[name]]
            wrong = attempt(url)
            if wrong:
                raise PulseError(
                    f"{network.NAMES[name]} at {network.without_password(url)} cannot be used ({wrong}): "
                    f"start it, or correct {URLS[name]}"
                )


def _demand_programs(plan: Plan) -> None:
    if plan.has(Kind.docker):
        containers.check()
    if plan.kinds["clickhouse"] == Kind.embedded:
        clickhouse_server.check()
    if plan.kinds["redis"] == Kind.embedded:
        valkey.binary()
    if plan.kinds["kafka"] == Kind.embedded:
        tansu.binary()
    if plan.kinds["kafka"] == Kind.native:
        java.java()
        if parts.fetching(plan):
            java.maven()
