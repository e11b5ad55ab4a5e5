"""The whole product for a test: every process and backing service real, each to be killed and started by name."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
from msgspec import json

from deploy.local import port, probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from deploy.local.up import order
from pulse.lag import Log, total
from tests import services
from tests.eventually import eventually
from tests.services import Process, Service

ROOT = Path(__file__).parents[1]
DATABASE = "pulse"
SECRET = "only for tests, only for tests 1"
KEYS = "api.control.bootstrap"
PREPARATIONS = {
    "streams.topics": "kafka",
    "clickhouse.migrate": "clickhouse",
    "api.control.migrate": "",
    KEYS: "api.control.migrate",
}
"""What runs to its end before the processes start, with the kind of part or the preparation that it needs."""
MODULES = {
    "collector": "api.collector",
    "query": "api.query",
    "live": "api.live",
    "streams": "streams",
    "sink": "clickhouse.sink",
    "alerts": "streams.alerts",
    "delivery": "api.delivery",
}
SERVICES = ("kafka", "clickhouse", "redis")


@dataclass
class Product:
    """A running Pulse. `parts` are kafka, clickhouse, redis and its processes (see `PROCESSES`), each with its `url`.

    Where there are several of one, the others are called `streams 2`, `streams 3`, …
    """

    folder: Path
    parts: dict[str, Service]
    environment: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        folder: Path,
        *,
        embedded: bool = False,
        settings: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
        clickhouse: Service | None = None,
    ) -> Self:
        """Start everything and wait until it is ready; `settings` are further ``PULSE_…`` variables.

        `counts` says how many there are of a process, or nodes of Kafka, where it is not one; `clickhouse` is one that
        is not to be made here.
        """
        counts = counts or {}
        parts = {
            **_kafka(folder / "kafka", embedded, counts.get("kafka", 1)),
            "clickhouse": clickhouse or services.clickhouse(folder / "clickhouse"),
            "redis": services.redis(folder / "redis"),
        }
        ports = {name: port.free() for kind in MODULES for name in names(kind, counts.get(kind, 1))}
        product = cls(folder, parts, _environment(folder, parts, ports) | dict(settings or {}))
        parts |= {name: product._part(name, at) for name, at in ports.items()}
        try:
            product._bring_up()
        except BaseException:
            product.end()
            raise
        return product

    @property
    def site(self) -> str:
        """The site that the keys belong to."""
        return self.keys["site_id"]

    @property
    def processes(self) -> list[str]:
        """The names of Pulse's own processes."""
        return [name for name in self.parts if kind_of(name) in MODULES]

    @property
    def services(self) -> list[str]:
        """The names of what they stand on."""
        return [name for name in self.parts if kind_of(name) in SERVICES]

    def url(self, name: str) -> str:
        """The address of a part."""
        return self.parts[name].url

    def all_of(self, kind: str) -> list[str]:
        """The names of all processes of a kind."""
        return [name for name in self.processes if kind_of(name) == kind]

    def add(self, kind: str) -> str:
        """Start one more process of a kind and wait until it answers; its name."""
        name = next(name for name in names(kind, len(self.parts) + 1) if name not in self.parts)
        self.parts[name] = self._part(name, port.free())
        self.start(name)
        return name

    def remove(self, name: str) -> None:
        """Stop a process for good."""
        self.parts.pop(name).stop()

    def start(self, *names: str) -> None:
        """Start parts again, side by side, and wait until each answers (what it stands on may still be away)."""
        _side_by_side([self.parts[name].start for name in names])

    def stop(self, *names: str) -> None:
        """End parts as an operator would, the processes before the services."""
        _side_by_side([self.parts[name].stop for name in names if kind_of(name) in MODULES])
        _side_by_side([self.parts[name].stop for name in names if kind_of(name) in SERVICES])

    def kill(self, *names: str) -> None:
        """End parts at once (SIGKILL)."""
        for name in names:
            self.parts[name].kill()

    def ready(self, within: float = 120) -> None:
        """Wait until every process says that it and all it stands on is ready."""
        for name in self.processes:
            eventually(lambda url=self.url(name): _is_ready(url), within=within, every=0.2)  # type: ignore[misc]

    def drained(self, within: float = 120) -> None:
        """Wait until all that was accepted is in the log, and all that is in it has passed through every process."""
        for name in self.all_of("collector"):
            eventually(lambda url=self.url(name): _has_empty_spool(url), within=within, every=0.3)  # type: ignore[misc]
        log = Log(self.environment["PULSE_KAFKA_URL"])
        eventually(lambda: total(log.lags()) == 0, within=within, every=0.3)

    def end(self) -> None:
        """Stop everything, the processes before the services, whatever becomes of it."""
        for names in (self.processes, self.services):
            with suppress(Exception):
                self.stop(*names)

    def send(self, events: Iterable[Mapping[str, Any]], key: str | None = None) -> httpx.Response:
        """Post events to the collector, with the server's key unless another is given."""
        headers = {"authorization": f"Bearer {key or self.keys['secret_key']}", "content-type": "application/json"}
        return httpx.post(
            f"{self.url('collector')}/v1/events", content=json.encode(list(events)), headers=headers, timeout=60
        )

    def stats(self, key: str | None = None, **question: Any) -> httpx.Response:
        """Ask the query API for statistics, with the administrator's key unless another is given."""
        headers = {"authorization": f"Bearer {key or self.keys['admin_key']}"}
        return httpx.get(f"{self.url('query')}/api/v1/stats", params=question, headers=headers, timeout=60)

    def sql(self, query: str, **parameters: Any) -> list[list[Any]]:
        """The rows of a query to ClickHouse, numbers as numbers; ``{name:Type}`` in it takes the parameter `name`."""
        sent = {f"param_{name}": str(value) for name, value in parameters.items()}
        form = {"database": DATABASE, "default_format": "JSONCompact", "output_format_json_quote_64bit_integers": "0"}
        answer = httpx.post(self.url("clickhouse"), content=query, params=form | sent, timeout=60)
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["data"]
        return rows

    def prepare(self) -> None:
        """Make topics, tables, the first site and its keys; what is there already stays."""
        self._prepared_with()

    def _bring_up(self) -> None:
        self._prepared_with(*self.services)
        self.start(*self.processes)
        self.ready()

    def _prepared_with(self, *services: str) -> None:
        """Start services, and prepare them as soon as they answer."""
        steps: dict[str, Callable[[], object]] = {name: partial(self.start, name) for name in services}
        steps |= {module: partial(self._prepare, module) for module in PREPARATIONS}
        needs = {module: [need, *self._all_services_of(need)] for module, need in PREPARATIONS.items()}
        order.run(steps, needs)

    def _all_services_of(self, kind: str) -> list[str]:
        return [name for name in self.services if kind_of(name) == kind]

    def _prepare(self, module: str) -> None:
        said = _run(module, self.environment)
        if module == KEYS:
            self.keys = json.decode(said, type=dict[str, str])

    def _part(self, name: str, at: int) -> Process:
        return Process(f"http://127.0.0.1:{at}", lambda: self._launch(name, at))

    def _launch(self, name: str, at: int) -> Running:
        kind = kind_of(name)
        command = [sys.executable, "-m", MODULES[kind]]
        log = self.folder / "logs" / f"{name.replace(' ', '-')}.log"
        environment = self.environment | {f"PULSE_{kind.upper()}_PORT": str(at)} | self._instance(name)
        return start_process(
            name, command, log, lambda: probe.http(at, "/health"), within=120, cwd=ROOT, env=environment
        )

    def _instance(self, name: str) -> dict[str, str]:
        """A name of its own for each sink and collector; the streams have one where the settings give them one."""
        given = self.environment.get("PULSE_INSTANCE", "")
        if kind_of(name) in ("sink", "collector") or given:
            return {"PULSE_INSTANCE": f"{given or 'product'}-{name.replace(' ', '-')}"}
        return {}


def names(kind: str, number: int) -> list[str]:
    """What several parts of a kind are called."""
    return [kind, *(f"{kind} {n}" for n in range(2, number + 1))]


def kind_of(name: str) -> str:
    """The kind of a part."""
    return name.partition(" ")[0]


def _side_by_side(steps: Sequence[Callable[[], None]]) -> None:
    """Do all, and raise what the first of those that fail raises once none is under way."""
    with ThreadPoolExecutor(max(len(steps), 1)) as pool:
        list(pool.map(lambda step: step(), steps))


def _kafka(folder: Path, embedded: bool, nodes: int) -> dict[str, Service]:
    if embedded:
        return {"kafka": services.embedded_kafka(folder)}
    if nodes == 1:
        return {"kafka": services.kafka(folder)}
    return dict(zip(names("kafka", nodes), services.kafka_nodes(folder, nodes), strict=True))


def _environment(folder: Path, parts: Mapping[str, Service], ports: Mapping[str, int]) -> dict[str, str]:
    addresses = {
        "PULSE_DATA": str(folder / "data"),
        "PULSE_SECRET": SECRET,
        "PULSE_KAFKA_URL": ",".join(part.url for name, part in parts.items() if kind_of(name) == "kafka"),
        "PULSE_CLICKHOUSE_URL": f"{parts['clickhouse'].url}/{DATABASE}",
        "PULSE_REDIS_URL": parts["redis"].url,
        "PULSE_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    return addresses | {f"PULSE_{name.upper()}_PORT": str(at) for name, at in ports.items() if name in MODULES}


def _run(module: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{module} failed:\n{done.stderr[-2000:]}"
    return done.stdout


def _has_empty_spool(url: str) -> bool:
    """Whether a collector has nothing that the log has not; one that does not run is not waited for."""
    try:
        metrics = httpx.get(f"{url}/metrics", timeout=5).text
    except httpx.ConnectError:
        return True
    spooled = [line for line in metrics.splitlines() if line.startswith("pulse_collector_spool_records ")]
    return all(float(line.rpartition(" ")[2]) == 0 for line in spooled)


def _is_ready(url: str) -> bool:
    answer = httpx.get(f"{url}/health/ready", timeout=10)
    assert answer.status_code == 200, answer.text
    return True
