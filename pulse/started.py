"""What `make up` has started on this machine: kept in the data folder, read by `down`, `status` and every command."""

import os
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

FILE = "state.json"
READY = "ready"
"""The phase in which everything has been started."""
SECRET = "secret"
CLICKHOUSE_PASSWORD = "clickhouse-password"
CREATION_TOLERATED_S = 1.0
"""The system gives a process's beginning in hundredths of a second, computed anew at each question."""


class Process(Struct, frozen=True):
    """A process, told from later ones of the same id by its beginning in seconds since the epoch."""

    pid: int
    created: float


class Started(Struct, kw_only=True):
    """The supervisor, its phase (`starting`, `ready`, `stopping…` in words), its processes, and how to reach them.

    `environment` holds the `PULSE_…` variables that every process was given, but neither the secret
    nor the password of the embedded ClickHouse, which lie in files of their own.
    """

    up: Process
    phase: str
    services: dict[str, str] = {}
    processes: dict[str, Process] = {}
    environment: dict[str, str] = {}


def identify(pid: int) -> Process:
    """A running process by its id; raises psutil.NoSuchProcess if there is none."""
    return Process(pid, psutil.Process(pid).create_time())


def is_running(process: Process) -> bool:
    """Whether this very process still runs, not another one that was given its id since."""
    try:
        found = psutil.Process(process.pid)
        return (
            abs(found.create_time() - process.created) < CREATION_TOLERATED_S and found.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def read(data: Path) -> Started | None:
    """What was started with this data folder, None if nothing was or all of it was stopped in order."""
    try:
        return msgspec.json.decode((data / FILE).read_bytes(), type=Started)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write(data: Path, started: Started) -> None:
    """Keep what is started, readable by its owner alone: a service's address may hold a password."""
    draft = data / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(started)) + b"\n")
    draft.replace(data / FILE)


def forget(data: Path) -> None:
    """Everything was stopped."""
    (data / FILE).unlink(missing_ok=True)


def adopt(environ: MutableMapping[str, str], data: Path) -> None:
    """Give a command the settings with which Pulse was started in this data folder; what is set already stays.

    To be called before `pulse.settings.load`. The secret comes from the data folder even if nothing runs.
    """
    with suppress(OSError):
        environ.setdefault("PULSE_SECRET", (data / SECRET).read_text().strip())
    started = read(data)
    for name, value in (started.environment if started else {}).items():
        if name == "PULSE_CLICKHOUSE_URL" and started and started.services.get("clickhouse") == "embedded":
            value = _with_login(value, data)
        environ.setdefault(name, value)


def _with_login(url: str, data: Path) -> str:
    """The embedded ClickHouse's address with its user and password; as it is if an older start left none."""
    with suppress(OSError):
        password = (data / CLICKHOUSE_PASSWORD).read_text().strip()
        return url.replace("://", f"://pulse:{password}@", 1)
    return url
