"""The whole product for a measurement: as many processes of each kind as asked for, sites with keys, all told apart."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from msgspec import Struct

from deploy.local import clickhouse_server, port
from pulse.analyst import as_xml, user
from pulse.analyst.rule import Limits
from pulse.settings import Settings
from tests import services
from tests.product import SECRET, Product
from tests.services import Process, Service

PROBE_SITE = "probe"
PATIENCE_S = 300


class Layout(Struct, frozen=True, kw_only=True):
    """What is brought up. `settings` are further `PULSE_…` variables."""

    collectors: int = 1
    streams: int = 1
    sinks: int = 1
    partitions: int = 4
    sites: int = 1
    embedded: bool = False
    settings: dict[str, str] = {}
    sql: bool = False
    """Whether `POST /api/v1/sql` is answered."""


class Stack:
    """A running product with the keys of its sites: those that are loaded, and one of its own for the probe."""

    def __init__(self, product: Product, layout: Layout, folder: Path) -> None:
        self.product = product
        self.layout = layout
        self.folder = folder
        self.streams_used = 0
        self.sites = [product.site, *(f"site-{n}" for n in range(1, layout.sites))]
        self.keys = [product.keys["secret_key"], *map(self.add, self.sites[1:])]
        self.probe_key = self.add(PROBE_SITE)
        for key in (*self.keys, self.probe_key):
            self._warm(key)

    @property
    def collectors(self) -> list[str]:
        """The collectors' addresses, `host:port`."""
        return [self.product.url(name).removeprefix("http://") for name in self.product.all_of("collector")]

    def pids(self) -> dict[str, int]:
        """The process of each part that is one of this machine's and runs."""
        found = {}
        for name, part in list(self.product.parts.items()):
            if isinstance(part, Process) and part.running and part.running.is_alive():
                found[name] = part.running.pid
        return found

    def ask(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """A query's rows."""
        return self.product.sql(sql, **parameters)

    def stored(self) -> int:
        """Rows of `events`, which ClickHouse knows without counting."""
        return int(self.ask("SELECT count() FROM events")[0][0])

    def next_stream(self) -> int:
        """A number by which the ids of one more load are told from all others in this store."""
        self.streams_used += 1
        return self.streams_used

    def drained(self, within: float = PATIENCE_S) -> None:
        """Wait until all that was accepted is stored."""
        self.product.drained(within)

    def metrics(self, name: str) -> str:
        """What a process tells Prometheus."""
        return httpx.get(f"{self.product.url(name)}/metrics", timeout=10).text

    def add(self, site: str, *more: str) -> str:
        """Make a site; a key that may send its events and read its statistics, and what further scopes allow."""
        made = self._post("sites", {"id": site})
        wanted = {"name": site, "site_id": made["id"], "scopes": ["events:write", "stats:read", *more]}
        key: str = self._post("keys", wanted)["key"]
        return key

    def _post(self, what: str, record: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.product.keys['admin_key']}"}
        answer = httpx.post(f"{self.product.url('query')}/api/v1/{what}", json=record, headers=headers, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _warm(self, key: str) -> None:
        """Let every collector look a key up: it verifies each once, slowly, which is no part of any rate."""
        headers = {"authorization": f"Bearer {key}"}
        for address in self.collectors:
            answer = httpx.post(f"http://{address}/v1/events", content=b"{", headers=headers, timeout=60)
            assert answer.status_code == 400, answer.text


@contextmanager
def running(layout: Layout) -> Iterator[Stack]:
    """A stack for as long as the block lasts, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        product = Product.begin(
            Path(folder),
            embedded=layout.embedded,
            settings={"PULSE_PARTITIONS": str(layout.partitions), **layout.settings},
            counts={"collector": layout.collectors, "streams": layout.streams, "sink": layout.sinks},
            clickhouse=_with_sql(Path(folder) / "clickhouse", layout.settings) if layout.sql else None,
        )
        try:
            yield Stack(product, layout, Path(folder))
        finally:
            product.end()


def _with_sql(folder: Path, given: Mapping[str, str]) -> Service | None:
    """A ClickHouse that knows the query API's own user for SQL; one in a container makes it when it is migrated."""
    if services.docker_answers():
        return None
    seconds = int(given.get("PULSE_QUERY_SECONDS", Settings.model_fields["query_seconds"].default))
    limits = Limits(seconds, *(Settings.model_fields[name].default for name in ("query_mb", "query_rows")))
    shared = as_xml.shared(limits, user.of_route(SECRET.encode()), "pulse", "analytics")
    at, native = port.free(), port.free()
    return Process(f"http://127.0.0.1:{at}", lambda: clickhouse_server.start(folder, at, native, analysts=shared))


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU of each process so far, of those that still run."""
    found = {}
    for name, pid in pids.items():
        try:
            times = psutil.Process(pid).cpu_times()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        found[name] = times.user + times.system
    return found


def memory(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident MB of each process that still runs."""
    found = {}
    for name, pid in pids.items():
        try:
            found[name] = psutil.Process(pid).memory_info().rss / 1e6
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
