"""The data folder: made once, used by one supervisor at a time; the secret that is kept in it."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pulse import started
from pulse.errors import PulseError
from pulse.started import Process, Started

LOCK = "up.lock"
PARTITIONS = "embedded-partitions"
PATIENCE_S = 15.0
"""So long what an earlier start has left running may take to end by itself."""
KILLED_S = 10.0
"""So long it may take to be gone once it was killed: the system gives back its memory and its ports first."""


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
    """End what a supervisor that was killed has left running: the very processes it noted, and no others.

    Returns once they are gone, and their ports free; raises PulseError naming those that do not go.
    """
    found = {name: process for name, process in (left.processes if left else {}).items() if started.is_running(process)}
    if not found:
        return
    tell(f"ending what an earlier start has left running: {', '.join(found)}")
    for process in found.values():
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).terminate()
    family = {name: _family(process) for name, process in _after(PATIENCE_S, found).items()}
    if family:
        tell(f"not ended after {PATIENCE_S:g} s, and now made to: {', '.join(family)}")
    killed = {f"{name} (process {each.pid})": each for name, members in family.items() for each in members}
    for each in killed.values():
        with suppress(psutil.NoSuchProcess):
            psutil.Process(each.pid).kill()
    still = _after(KILLED_S, killed)
    if still:
        raise PulseError(
            f"{', '.join(still)} of an earlier start does not end, not even when killed: "
            "it waits for a disk or a mount that does not answer; see to that, and start again"
        )


def _after(seconds: float, found: Mapping[str, Process]) -> dict[str, Process]:
    """Those that still run after so many seconds; sooner, if none does."""
    deadline = time.monotonic() + seconds
    while (still := {name: each for name, each in found.items() if started.is_running(each)}) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    return still


def _family(process: Process) -> list[Process]:
    """A process and all it has started: they hold its ports too."""
    members = [process]
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                members.append(started.identify(child.pid))
    return members
