"""`pulse status`: each process, the lag of each topic, rows stored, disk used."""

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import typer
from msgspec import Struct, json
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pulse import started
from pulse.command import option, situation, wire
from pulse.command.store import Store
from pulse.errors import PulseError
from pulse.lag import RECORDED, WATCHED, Lag, Log, Readers
from pulse.settings import Settings

ROWS = Path(__file__).with_name("rows.sql")
ANSWER_S = 3.0
WELL = ("ready", "runs")
Got = TypeVar("Got")


class Process(Struct):
    """A process: `ready`, `runs`, or what is wrong with it; its health page, and its id if it was started here."""

    name: str
    state: str
    url: str | None = None
    pid: int | None = None


class Stored(Struct):
    """A table: its rows and its bytes on disk."""

    table: str
    rows: int
    bytes: int


class Behind(Struct):
    """How many records a group has yet to read of a topic."""

    group: str
    topic: str
    records: int


class Disk(Struct):
    """Bytes in the data folder, and bytes free on its disk."""

    folder: str
    used: int
    free: int


class Status(Struct):
    """Everything at one moment; `faults` says what could not be learnt, and why."""

    phase: str
    processes: list[Process]
    lag: list[Behind]
    tables: list[Stored]
    disk: Disk
    faults: list[str]


def status(as_json: option.AsJson = False) -> None:
    """Show each process, how far each reader of each topic lies behind, rows stored and disk used."""
    found = examine(situation.settings())
    if as_json:
        typer.echo(json.encode(found).decode())
    else:
        show(found, Console(highlight=False, soft_wrap=True))


def watched(settings: Settings) -> Readers:
    """The groups whose lag is told."""
    return (*WATCHED, *RECORDED) if settings.recordings_url.get_secret_value() else WATCHED


def examine(settings: Settings) -> Status:
    """Ask everything at once; what does not answer is told as such."""
    here = started.read(settings.data)
    faults: list[str] = []
    with ThreadPoolExecutor() as pool:
        pages = {name: pool.submit(_state, url) for name, url in situation.health_pages(settings).items()}
        lag = pool.submit(Log(settings.kafka_url).lags, watched(settings), timeout_s=ANSWER_S)
        tables = pool.submit(_tables, settings.clickhouse_url.get_secret_value())
        disk = pool.submit(_disk, settings.data)
    urls = situation.health_pages(settings)
    states = {name: page.result() for name, page in pages.items()}
    found = processes(states, urls, here.processes if here else {})
    return Status(
        phase=phase(here.phase, found) if here and started.is_running(here.up) else "not started by `make up`",
        processes=found,
        lag=behind(_or_fault(lag.result, faults) or []),
        tables=_or_fault(tables.result, faults) or [],
        disk=disk.result(),
        faults=faults,
    )


def processes(states: Mapping[str, str], urls: Mapping[str, str], here: Mapping[str, started.Process]) -> list[Process]:
    """Every process that has a health page or was started here."""
    found = [
        Process(name, state, urls[name], here[name].pid if name in here else None) for name, state in states.items()
    ]
    others = {name: process for name, process in here.items() if name not in states}
    return found + [
        Process(name, "runs" if started.is_running(process) else "has ended", pid=process.pid)
        for name, process in others.items()
    ]


def phase(said: str, found: list[Process]) -> str:
    """What `make up` says of itself, but ready only where every process is."""
    wrong = [each.name for each in found if each.state not in WELL]
    return f"not ready: {', '.join(wrong)}" if said == started.READY and wrong else said


def behind(lags: list[Lag]) -> list[Behind]:
    """The partitions of each topic together."""
    sums: dict[tuple[str, str], int] = {}
    for each in lags:
        at = each.group, each.topic
        sums[at] = sums.get(at, 0) + each.records
    return [Behind(group, topic, records) for (group, topic), records in sums.items()]


def show(found: Status, console: Console) -> None:
    """The status as tables."""
    console.print(f"Pulse: {found.phase}", markup=False)
    console.print(_processes_table(found.processes))
    if found.lag:
        lag = _table("group", "topic", "records behind")
        for each in found.lag:
            lag.add_row(each.group, each.topic, f"{each.records:,}", style=None if each.records < 1_000 else "yellow")
        console.print(lag)
    if found.tables:
        tables = _table("table", "rows", "on disk")
        for stored in found.tables:
            tables.add_row(stored.table, f"{stored.rows:,}", size(stored.bytes))
        console.print(tables)
    console.print(f"{found.disk.folder}: {size(found.disk.used)} used, {size(found.disk.free)} free", markup=False)
    for fault in found.faults:
        console.print(fault, style="red", markup=False)


def size(count: int) -> str:
    """A number of bytes as people read it."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _processes_table(found: list[Process]) -> Table:
    made = _table("process", "state", "address", "pid")
    for each in found:
        style = "green" if each.state in WELL else "red"
        made.add_row(each.name, f"[{style}]{escape(each.state)}[/]", each.url or "", str(each.pid or ""))
    return made


def _table(*columns: str) -> Table:
    made = Table(*columns, box=None, pad_edge=False, title_justify="left")
    for column in made.columns:
        column.justify = "right" if column.header in ("rows", "on disk", "records behind", "pid") else "left"
    return made


def _state(url: str) -> str:
    """What a process says of itself: ready, or what it waits for."""
    try:
        with wire.client() as http:
            answer = http.get(f"{url}/health/ready", timeout=ANSWER_S)
    except httpx.HTTPError:
        return "does not answer"
    found = wire.problem(answer)
    if answer.is_success and found.get("status") != "degraded":
        return "ready"
    checks = found.get("checks")
    wrong = {name: said for name, said in checks.items() if said != "ok"} if isinstance(checks, dict) else {}
    return "; ".join(f"{name}: {said}" for name, said in wrong.items()) or f"answers {answer.status_code}"


def _tables(url: str) -> list[Stored]:
    rows = Store(url).rows(ROWS.read_text(), ANSWER_S)
    return [Stored(str(table), int(count), int(on_disk)) for table, count, on_disk in rows]


def _disk(folder: Path) -> Disk:
    """What lies in the data folder; files that vanish meanwhile do not count."""
    used = sum(_bytes(Path(root, name)) for root, _, files in os.walk(folder) for name in files)
    there = next(each for each in (folder.resolve(), *folder.resolve().parents) if each.exists())
    return Disk(str(folder), used, shutil.disk_usage(there).free)


def _bytes(file: Path) -> int:
    """What a file takes of the disk: a log's segments are larger than what is in them."""
    try:
        return file.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0


def _or_fault(result: Callable[[], Got], faults: list[str]) -> Got | None:
    try:
        return result()
    except PulseError as why:
        faults.append(str(why))
        return None
