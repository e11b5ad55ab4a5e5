"""What is to be started: the services' kinds, the settings of every process, and which step needs which."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.up.choice import URLS, Kind, choose
from pulse.errors import SettingError
from pulse.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PORTS_BETWEEN_WORKERS = 10

FETCH = "fetching Apache Kafka (once)"
PREPARATIONS = {
    "topics": "streams.topics",
    "tables": "clickhouse.migrate",
    "sites": "api.control.migrate",
    "first keys": "api.control.bootstrap",
}
"""What runs to its end before the processes start, by the module that does it."""

NEEDS = {
    "Kafka": (FETCH,),
    "topics": ("Kafka",),
    "tables": ("ClickHouse",),
    "first keys": ("sites",),
    "streams": ("Kafka",),
    "sink": ("topics", "tables"),
    "collector": ("topics", "first keys"),
    "query": ("topics", "tables", "first keys"),
}


@dataclass(frozen=True)
class Process:
    """One process of Pulse: its name in messages, the module it runs, its port and the settings that are its alone."""

    name: str
    module: str
    port: int
    user: str
    variable: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """Everything that one `make up` is to do; `environment` is given to every process, `secret` with it."""

    settings: Settings
    kinds: dict[str, Kind]
    workers: int
    data: Path
    environment: dict[str, str]

    def has(self, kind: Kind) -> bool:
        """Whether any service is of this kind."""
        return kind in self.kinds.values()

    def to_be_kept(self) -> dict[str, str]:
        """The environment without what lies in files of its own: the secret, and the embedded ClickHouse's password."""
        kept = {name: value for name, value in self.environment.items() if name != "PULSE_SECRET"}
        if self.kinds["clickhouse"] == Kind.embedded:
            kept |= {URLS["clickhouse"]: _urls(self.settings, self.kinds)[URLS["clickhouse"]]}
        return kept

    def processes(self) -> list[Process]:
        """Pulse's own processes."""
        s = self.settings
        alone = [
            _process("collector", "api.collector", s.collector_port, "the collector"),
            _process("sink", "clickhouse.sink", s.sink_port, "the sink"),
            _process("query", "api.query", s.query_port, "the query API"),
        ]
        return [*(_worker(n, s) for n in range(self.workers)), *alone]

    def needs(self) -> dict[str, tuple[str, ...]]:
        """What each step has to wait for."""
        return NEEDS | {worker.name: NEEDS["streams"] for worker in self.processes() if worker.module == "streams"}


def make(settings: Settings, wanted: str, workers: int, environ: Mapping[str, str] | None = None) -> Plan:
    """The plan for these settings; raises SettingError where they contradict each other."""
    kinds = choose(wanted, os.environ if environ is None else environ)
    if workers > settings.partitions:
        raise SettingError(
            f"{workers} workers are more than the {settings.partitions} partitions of a topic (PULSE_PARTITIONS): some would have nothing to do"
        )
    data = settings.data.resolve()
    return Plan(settings, kinds, workers, data, {"PULSE_DATA": str(data)} | _urls(settings, kinds) | _ports(settings))


def with_secrets(plan: Plan, secret: str, passwords: Mapping[str, str]) -> Plan:
    """The plan with what must be read or made first: the secret, and the passwords of the services that it starts."""
    urls = {}
    if plan.kinds["clickhouse"] != Kind.own:
        at = f"127.0.0.1:{plan.settings.clickhouse_port}"
        urls["PULSE_CLICKHOUSE_URL"] = f"http://pulse:{passwords['CLICKHOUSE_PASSWORD']}@{at}/pulse"
    if plan.kinds["redis"] == Kind.docker:
        urls["PULSE_REDIS_URL"] = f"redis://:{passwords['REDIS_PASSWORD']}@127.0.0.1:{plan.settings.redis_port}/0"
    return replace(plan, environment=plan.environment | urls | {"PULSE_SECRET": secret})


def reachable(host: str) -> str:
    """The address under which this machine reaches a process that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def _urls(settings: Settings, kinds: Mapping[str, Kind]) -> dict[str, str]:
    started = {
        "kafka": f"127.0.0.1:{settings.kafka_port}",
        "clickhouse": f"http://127.0.0.1:{settings.clickhouse_port}/pulse",
        "redis": f"redis://127.0.0.1:{settings.redis_port}/0",
    }
    given = {
        "kafka": settings.kafka_url,
        "clickhouse": settings.clickhouse_url.get_secret_value(),
        "redis": settings.redis_url.get_secret_value(),
    }
    return {URLS[name]: (given if kind == Kind.own else started)[name] for name, kind in kinds.items()}


def _ports(settings: Settings) -> dict[str, str]:
    names = ("host", "collector_port", "query_port", "streams_port", "sink_port")
    return {f"PULSE_{name.upper()}": str(getattr(settings, name)) for name in names}


def _process(name: str, module: str, port: int, user: str) -> Process:
    return Process(name, module, port, user, f"PULSE_{name.upper()}_PORT", {})


def _worker(number: int, settings: Settings) -> Process:
    port = settings.streams_port + number * PORTS_BETWEEN_WORKERS
    if number == 0:
        return _process("streams", "streams", port, "the streams")
    own = {"PULSE_STREAMS_PORT": str(port)}
    if "instance" in settings.model_fields_set:
        own["PULSE_INSTANCE"] = f"{settings.instance}-{number + 1}"
    name = f"streams {number + 1}"
    return Process(name, "streams", port, f"worker {number + 1} of the streams", "PULSE_STREAMS_PORT", own)
