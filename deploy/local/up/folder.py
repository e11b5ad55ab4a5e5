"""The data folder: made once, used by one supervisor at a time; the secret that is kept in it."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pulse import started
from pulse.errors import PulseError
from pulse.started import Process, Started

LOCK = "up.lock"
PARTITIONS = "embedded-partitions"
PATIENCE_S = 15.0


@contextmanager
def occupy(data: Path) -> Iterator[None]:
    """Have the data folder to oneself; raises PulseError in one sentence if it cannot be, or is another's already."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PulseError(
            f"{data} cannot be written ({error.strerror}): make it yours, or set PULSE_DATA to another folder"
        ) from None
    try:
        _lock(lock, data)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        running = started.read(data)
        which = f", as process {running.up.pid}" if running else ""
        raise PulseError(f"Pulse already runs on {data}{which}: `make status` shows it, `make down` stops it") from None


def secret(data: Path) -> str:
    """The secret of the data folder, made at the first start and readable by its owner alone."""
    return _kept(data / started.SECRET, "put the secret back; without it no key is valid any more")


def clickhouse_password(data: Path) -> str:
    """The password of the ClickHouse in the data folder, made at the first start and readable by its owner alone."""
    return _kept(data / started.CLICKHOUSE_PASSWORD, "delete it, and the next start makes another")


def partitions_before(data: Path, now: int) -> int | None:
    """How many partitions the embedded log had at the last start with this folder, None at the first; notes how many it has now."""
    file = data / PARTITIONS
    try:
        before = int(file.read_text())
    except (FileNotFoundError, ValueError):
        before = None
    file.write_text(f"{now}\n")
    return before


def _kept(file: Path, remedy: str) -> str:
    with suppress(FileExistsError):
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        finally:
            draft.unlink()
    kept = file.read_text().strip()
    if not kept:
        raise PulseError(f"{file} is empty: {remedy}")
    return kept


def clear(data: Path, left: Started | None, tell: Callable[[str], None]) -> None:
    """End what a supervisor that was killed has left running: the very processes it noted, and no others."""
    found = {name: process for name, process in (left.processes if left else {}).items() if started.is_running(process)}
    if not found:
        return
    tell(f"ending what an earlier start has left running: {', '.join(found)}")
    for process in found.values():
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).terminate()
    deadline = time.monotonic() + PATIENCE_S
    while any(map(started.is_running, found.values())) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in filter(started.is_running, found.values()):
        _kill(process)


def _kill(process: Process) -> None:
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(process.pid)
        for each in (*top.children(recursive=True), top):
            with suppress(psutil.NoSuchProcess):
                each.kill()
