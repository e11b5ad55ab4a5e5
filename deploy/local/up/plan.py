"""What is to be started: the services' kinds, the settings of every process, and which step needs which."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.up.choice import URLS, Kind, choose
from pulse.errors import SettingError
from pulse.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PORTS_BETWEEN = 10
"""Between the ports of several processes of a kind, and of several nodes of Kafka."""

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
    "alerts": ("topics", "tables"),
    "delivery": ("topics", "first keys"),
    "live": ("topics", "first keys"),
    "recordings": ("topics",),
}


MODULES = {
    "collector": ("api.collector", "the collector", "collector"),
    "sink": ("clickhouse.sink", "the sink", "sink"),
    "streams": ("streams", "the streams", "worker"),
}
"""What there may be several of: the module, what it is called, and what one of several is called."""


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
    sinks: int = 1
    collectors: int = 1

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
        query = Process("query", "api.query", self.settings.query_port, "the query API", "PULSE_QUERY_PORT", {})
        alerts = Process("alerts", "streams.alerts", self.settings.alerts_port, "the alerts", "PULSE_ALERTS_PORT", {})
        at = self.settings.delivery_port
        delivery = Process("delivery", "api.delivery", at, "the delivery process", "PULSE_DELIVERY_PORT", {})
        several = {"streams": self.workers, "collector": self.collectors, "sink": self.sinks}
        live = Process("live", "api.live", self.settings.live_port, "the live view", "PULSE_LIVE_PORT", {})
        own = [_process(kind, n, self.settings) for kind, number in several.items() for n in range(number)]
        return [*own, query, live, alerts, delivery, *self._recordings()]

    def _recordings(self) -> list[Process]:
        """The process that records sessions, where that is wanted."""
        if not self.settings.recordings_url.get_secret_value():
            return []
        at = self.settings.recordings_port
        return [Process("recordings", "streams.recordings", at, "the recordings", "PULSE_RECORDINGS_PORT", {})]

    def nodes(self) -> dict[str, tuple[int, int]]:
        """The nodes of the Apache Kafka that is started: their names, ports, and ports of their controllers."""
        number = self.settings.kafka_nodes if self.kinds["kafka"] == Kind.native else 0
        s = self.settings
        return {
            _numbered("Kafka", n): (s.kafka_port + n * PORTS_BETWEEN, s.kafka_controller_port + n * PORTS_BETWEEN)
            for n in range(number)
        }

    def needs(self) -> dict[str, tuple[str, ...]]:
        """What each step has to wait for."""
        needs = NEEDS | {each.name: NEEDS[kind_of(each.name)] for each in self.processes()}
        nodes = tuple(self.nodes()) or NEEDS["topics"]
        return needs | {"topics": nodes} | dict.fromkeys(nodes, NEEDS["Kafka"])


def make(
    settings: Settings,
    wanted: str,
    workers: int,
    environ: Mapping[str, str] | None = None,
    *,
    sinks: int = 1,
    collectors: int = 1,
) -> Plan:
    """The plan for these settings; raises SettingError where they contradict each other."""
    kinds = choose(wanted, os.environ if environ is None else environ)
    for number, what in ((workers, "workers"), (sinks, "sinks")):
        if number > settings.partitions:
            raise SettingError(
                f"{number} {what} are more than the {settings.partitions} partitions of a topic (PULSE_PARTITIONS): some would have nothing to do"
            )
    if settings.kafka_nodes > 1 and kinds["kafka"] != Kind.native:
        raise SettingError(
            f"PULSE_KAFKA_NODES={settings.kafka_nodes} is for SERVICES=native alone: another Kafka has as many nodes as it has"
        )
    data = settings.data.resolve()
    environment = {"PULSE_DATA": str(data)} | _urls(settings, kinds) | _ports(settings) | _copies(settings, kinds)
    return Plan(settings, kinds, workers, data, environment, sinks, collectors)


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
    nodes = settings.kafka_nodes if kinds["kafka"] == Kind.native else 1
    started = {
        "kafka": ",".join(f"127.0.0.1:{settings.kafka_port + n * PORTS_BETWEEN}" for n in range(nodes)),
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
    own = (
        f"{kind}_port" for kind in ("collector", "query", "live", "streams", "sink", "alerts", "delivery", "recordings")
    )
    names = ("host", *own)
    return {f"PULSE_{name.upper()}": str(getattr(settings, name)) for name in names}


def _copies(settings: Settings, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """As many copies of each topic as the Kafka that is started can keep, unless the settings name a number."""
    several = kinds["kafka"] == Kind.native and settings.kafka_nodes > 1
    if not several or "replication" in settings.model_fields_set:
        return {}
    return {"PULSE_REPLICATION": str(min(3, settings.kafka_nodes))}


def kind_of(name: str) -> str:
    """Of which kind a process is: ``streams 2`` is a ``streams``."""
    return name.partition(" ")[0]


def _numbered(kind: str, number: int) -> str:
    return kind if number == 0 else f"{kind} {number + 1}"


def _process(kind: str, number: int, settings: Settings) -> Process:
    """The process of a kind by its number, with a port and a name of its own.

    Streams have a name only where the settings give them one: see `PULSE_INSTANCE`. A sink and a collector always have one.
    """
    module, called, one = MODULES[kind]
    variable = f"PULSE_{kind.upper()}_PORT"
    port = int(getattr(settings, f"{kind}_port")) + number * PORTS_BETWEEN
    if number == 0:
        return Process(kind, module, port, called, variable, {})
    own = {variable: str(port)}
    if kind in ("sink", "collector") or "instance" in settings.model_fields_set:
        own["PULSE_INSTANCE"] = f"{settings.instance}-{number + 1}"
    user = f"{one} {number + 1}" + (" of the streams" if kind == "streams" else "")
    return Process(_numbered(kind, number), module, port, user, variable, own)
