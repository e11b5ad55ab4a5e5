"""The live view with many WebSockets: memory of each, and how long after a tick or an event its frames arrive.

The sockets are another process's (`--connections`, spread over `--sites`); all are sent counters each second and the aggregate
each ten, the first `--followers` events too. Events are written into `pulse.events` at `--rate` a second, each a moment
after the other. The times are from the tick, or from the event's being written, until the frame is read by the other process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import psutil
from prometheus_client.parser import text_string_to_metric_families

from api.control.store import Store
from bench.figures import percentile
from bench.load.watchers import Plan, Watched
from tests import services
from tests.living import Living, line, living


class Cost(NamedTuple):
    """The load before; the live view's bytes without connections, what they added, and its seconds of CPU."""

    load: float
    empty: int
    grown: int
    busy_s: float


class Turns(NamedTuple):
    """How many turns there were, and their seconds together."""

    turns: float
    seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--followers", type=int, default=20, help="connections that are sent events")
    parser.add_argument("--sites", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=float, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = services.embedded_kafka(Path(folder) / "kafka")
        broker.start()
        try:
            with living(broker.url, Path(folder)) as live:
                _measure(live, asked)
        finally:
            broker.stop()


def _measure(live: Living, asked: argparse.Namespace) -> None:
    sites = _sites(live, asked.sites)
    assert live.running is not None
    process = psutil.Process(live.running.pid)
    empty = process.memory_info().rss
    output = live.folder / "watched.json"
    plan = Plan(
        "127.0.0.1",
        live.port,
        live.keys["admin"],
        sites,
        asked.connections,
        asked.followers,
        asked.seconds,
        str(output),
    )
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "bench.load.watchers"]
    ended = threading.Event()
    sending = threading.Thread(target=_send, args=(live, sites, asked.rate, ended))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watchers:
        assert watchers.stdin is not None
        assert watchers.stdout is not None
        watchers.stdin.write(msgspec.json.encode(plan))
        watchers.stdin.close()
        watchers.stdout.readline()
        before = _ticks(live)
        full, cpu = process.memory_info().rss, sum(process.cpu_times()[:2])
        sending.start()
        try:
            watchers.wait()
        finally:
            ended.set()
            sending.join()
        busy = sum(process.cpu_times()[:2]) - cpu
    found = msgspec.json.decode(output.read_bytes(), type=Watched)
    handed = _ticks(live)
    _tell(asked, sites, Cost(load, empty, full - empty, busy), found)
    mean = (handed.seconds - before.seconds) / max(handed.turns - before.turns, 1)
    print(f"turns: {handed.turns - before.turns:.0f}, each handed to the system within {mean * 1000:.1f} ms on average")


def _tell(asked: argparse.Namespace, sites: Sequence[str], cost: Cost, found: Watched) -> None:
    print(
        f"{asked.connections} connections over {len(sites)} sites, {asked.followers} of them sent events; {asked.rate:.0f} events/s"
    )
    print(f"load of the machine before: {cost.load:.1f}, after: {os.getloadavg()[0]:.1f}, on {os.cpu_count()} cores")
    print(f"opened: {found.opened} in {found.opening_s:.1f} s; lost: {found.lost}")
    print(f"memory: {cost.grown / max(found.opened, 1) / 1024:.1f} KiB a connection, {cost.empty / 1e6:.0f} MB without")
    print(
        f"CPU: {cost.busy_s / asked.seconds:.2f} cores of the live view, {found.cpu_s / asked.seconds:.2f} of the clients"
    )
    print(
        f"frames: {found.frames} in {asked.seconds:.0f} s, {cost.busy_s / max(found.frames, 1) * 1e6:.1f} µs of CPU of the live view each"
    )
    ticks = [tick for tick in found.aggregates_ms if len(tick) >= found.opened]
    print(f"aggregates: {len(found.aggregates_ms)} ticks, {len(ticks)} of them received by all")
    _print("tick to aggregate", [ms for tick in found.aggregates_ms for ms in tick])
    _print("tick to counters", found.counters_ms)
    _print("event to frame", found.events_ms)


def _ticks(live: Living) -> Turns:
    """How often the live view has sent counters, and how long it took until the system had all of a turn: its own share of the times."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(httpx.get(f"http://{live.address}/metrics", timeout=10).text):
        sums |= {sample.name: sample.value for sample in family.samples if not sample.labels}
    return Turns(sums["pulse_live_tick_seconds_count"], sums["pulse_live_tick_seconds_sum"])


def _sites(live: Living, number: int) -> list[str]:
    if number == 1:
        return ["shop"]
    store = Store(f"sqlite:///{live.folder}/pulse.db")
    names = [f"site-{each}" for each in range(number)]
    for name in names:
        store.sites.create("ours", name, {"name": name}, 1)
    store.close()
    return names


def _send(live: Living, sites: Sequence[str], rate: float, ended: threading.Event) -> None:
    """Write events at an even rate, a record for what is due each 5 ms."""
    began, sent = time.monotonic(), 0
    while not ended.wait(0.005):
        due = int((time.monotonic() - began) * rate)
        live.write(*(line(site=sites[number % len(sites)]) for number in range(sent, due)))
        sent = due


def _print(name: str, ms: Sequence[int]) -> None:
    p50, p95, p99 = (percentile(ms, share) for share in (0.5, 0.95, 0.99))
    print(f"{name:18} p50 {p50:5.0f} ms   p95 {p95:5.0f} ms   p99 {p99:5.0f} ms   of {len(ms)}")


if __name__ == "__main__":
    main()
