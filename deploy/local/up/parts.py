"""The services and processes of a plan, each as a part that can be started."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import apache_kafka, clickhouse_server, probe, process, tansu, valkey
from deploy.local import cache as caches
from deploy.local.process import Running
from deploy.local.up import plan as plans
from deploy.local.up.choice import Kind
from deploy.local.up.keeper import Part
from deploy.local.up.plan import ROOT, Plan
from pulse.analyst import as_xml, user
from pulse.analyst.rule import Limits
from pulse.errors import PulseError

NODE_HEAP = "256m"
"""Java's -Xmx of one node of several."""

NODES_WITHIN_S = 180.0
"""How long a node may take, which waits for most of the others."""


def backing(plan: Plan) -> dict[str, Part]:
    """The services that run as processes of this machine, by the names that `plan.NEEDS` uses."""
    s, kinds, data = plan.settings, plan.kinds, plan.data
    parts = {}
    if kinds["kafka"] == Kind.embedded:
        parts["Kafka"] = Part("Kafka", lambda: tansu.start(data / "tansu", s.kafka_port))
    if kinds["kafka"] == Kind.native:
        parts |= _nodes(plan)
    if kinds["clickhouse"] == Kind.embedded:
        at, native = s.clickhouse_port, s.clickhouse_native_port
        password = urlsplit(plan.environment["PULSE_CLICKHOUSE_URL"]).password
        parts["ClickHouse"] = Part(
            "ClickHouse",
            lambda: clickhouse_server.start(data / "clickhouse", at, native, password, analysts=_analysts(plan)),
        )
    if kinds["redis"] == Kind.embedded:
        parts["Redis"] = Part("Redis", lambda: valkey.start(data / "redis", s.redis_port))
    return parts


def _analysts(plan: Plan) -> str:
    s, secret = plan.settings, plan.environment.get("PULSE_SECRET", "").encode()
    limits = Limits(s.query_seconds, s.query_mb, s.query_rows)
    return as_xml.shared(limits, user.of_route(secret), "pulse", "analytics")


def _nodes(plan: Plan) -> dict[str, Part]:
    """The nodes of Apache Kafka; one that is alone has the folder that several share."""
    nodes = plan.nodes()
    voters = {number: controller for number, (_, controller) in enumerate(nodes.values(), 1)}

    def part(name: str, number: int, at: int, controller: int) -> Part:
        if len(nodes) == 1:
            return Part(name, lambda: apache_kafka.start(plan.data / "kafka", at, controller))
        folder = plan.data / f"kafka-of-{len(nodes)}" / str(number)
        return Part(
            name,
            lambda: apache_kafka.start(
                folder, at, controller, node=number, voters=voters, heap=NODE_HEAP, within=NODES_WITHIN_S
            ),
        )

    return {name: part(name, number, *ports) for number, (name, ports) in enumerate(nodes.items(), 1)}


def fetching(plan: Plan) -> dict[str, Callable[[], object]]:
    """What has to be downloaded first, by the names that `plan.NEEDS` uses; empty if it is there already."""
    folder = caches.folder()
    if plan.kinds["kafka"] != Kind.native or (folder / f"apache-kafka-{apache_kafka.VERSION}").is_dir():
        return {}
    return {plans.FETCH: lambda: apache_kafka.install(folder)}


def own(plan: Plan) -> dict[str, Part]:
    """Pulse's processes."""
    return {each.name: _part(each, plan) for each in plan.processes()}


def log_of(plan: Plan, name: str) -> Path:
    """The log file of a process."""
    return plan.data / "logs" / f"{name.replace(' ', '-')}.log"


def prepare(module: str, plan: Plan) -> None:
    """Run a module that prepares something to its end; raises PulseError quoting its log if it fails.

    What it prints is not kept: it may be keys.
    """
    log = log_of(plan, module)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        code = subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=_environment(plan.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=out,
            start_new_session=True,
            check=False,
        ).returncode
    if code != 0:
        raise PulseError(f"{module} failed ({process.ending(code)}); its log {log} ends:\n{process.last_lines(log)}")


def _part(each: plans.Process, plan: Plan) -> Part:
    host = plans.reachable(plan.settings.host)
    environment = {**plan.environment, **each.environment}

    def begin() -> Running:
        command = [sys.executable, "-m", each.module]
        answers = lambda: probe.http(each.port, "/health", host)  # noqa: E731
        return process.start(each.name, command, log_of(plan, each.name), answers, within=60, cwd=ROOT, env=environment)

    return Part(each.name, begin, lambda: probe.http(each.port, "/health/ready", host))


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **more}
