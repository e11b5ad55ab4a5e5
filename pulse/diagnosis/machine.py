"""The machine: Python, processor, disk, data folder, clock, Java."""

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pulse import started
from pulse.diagnosis.finding import Finding, missing, ok, warning

OLDEST, NEWEST = (3, 11), (3, 13)
LEAST_FREE_BYTES, PLENTY_FREE_BYTES = 1_000_000_000, 5_000_000_000
JAVA_LEAST = 17
UNSYNCHRONISED = 5


def python(version: tuple[int, int, int]) -> Finding:
    """Whether this Python is one that Pulse is made for."""
    seen = ".".join(map(str, version))
    if OLDEST <= version[:2] <= NEWEST:
        return ok("Python", seen)
    return missing("Python", seen, "install 3.11, 3.12 or 3.13 and run `PYTHON=/path/to/it make setup`")


def processor(machine: str, flags: str, own_clickhouse: bool) -> Finding:
    """Whether the embedded ClickHouse can run; `flags` is what /proc/cpuinfo says."""
    if has_avx2(machine, flags):
        return ok("processor", f"{machine} with AVX2" if "avx2" in flags else machine)
    if own_clickhouse:
        return warning("processor", "no AVX2", "nothing, as long as PULSE_CLICKHOUSE_URL names a ClickHouse elsewhere")
    return missing(
        "processor",
        "no AVX2, which the embedded ClickHouse needs",
        "set PULSE_CLICKHOUSE_URL to a ClickHouse elsewhere",
    )


def has_avx2(machine: str, flags: str) -> bool:
    """Whether a processor has AVX2, or is of a kind that needs none, or does not tell."""
    return machine not in ("x86_64", "AMD64") or not flags or "avx2" in flags.split()


def cpu_flags() -> str:
    """What /proc/cpuinfo says, empty where there is none."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def disk(free: int, folder: Path) -> Finding:
    """Whether there is room for data."""
    seen = f"{free / 1e9:.1f} GB free where {folder} lies"
    remedy = "make room, or set PULSE_DATA to a folder on another disk"
    if free < LEAST_FREE_BYTES:
        return missing("disk", seen, remedy)
    return warning("disk", seen, remedy) if free < PLENTY_FREE_BYTES else ok("disk", seen)


def free_bytes(folder: Path) -> int:
    """Room on the disk on which a folder lies or would be made."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free


def data_folder(folder: Path) -> Finding:
    """Whether the data folder can be written, and its secrets be read by their owner alone."""
    what = "data folder"
    if not folder.exists():
        return ok(what, f"{folder} is made at the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return missing(what, f"{folder} cannot be written", f"`sudo chown -R $(id -un) {folder}`, or set PULSE_DATA")
    open_ones = [name for name in (started.SECRET, "keys.json") if _others_read(folder / name)]
    if open_ones:
        paths = " ".join(str(folder / name) for name in open_ones)
        return warning(what, f"others can read {', '.join(open_ones)}", f"`chmod 600 {paths}`")
    return ok(what, str(folder))


def clock(state: int | None) -> Finding:
    """Whether the system keeps its clock right; `state` is what the kernel says (see `clock_state`)."""
    if state == UNSYNCHRONISED:
        return warning("clock", "not kept by NTP", "`sudo timedatectl set-ntp true`: events are placed by this clock")
    return ok("clock", "the system does not tell" if state is None else "kept by NTP")


def clock_state() -> int | None:
    """The kernel's clock state as ntp_gettime gives it, None where it cannot be asked."""
    if sys.platform != "linux":
        return None
    asked: int = ctypes.CDLL(None).ntp_gettime(ctypes.create_string_buffer(256))
    return asked if asked >= 0 else None


def java(said: str | None) -> Finding:
    """Whether Apache Kafka could run; `said` is what `java -version` says, None if there is no Java."""
    remedy = "only for SERVICES=native and `make test`: `sudo apt-get install openjdk-17-jre-headless`"
    if said is None:
        return warning("Java", "none", remedy)
    major = java_major(said)
    return ok("Java", str(major)) if major >= JAVA_LEAST else warning("Java", f"{major or 'unknown version'}", remedy)


def java_program() -> str | None:
    """The java program, JAVA_HOME's first; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")


def java_version(program: str) -> str:
    """What `java -version` says."""
    return subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr


def java_major(said: str) -> int:
    """The major version in what `java -version` says: 17 of ``openjdk version "17.0.15"``, 8 of ``"1.8.0_392"``; 0 if none."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else 0


def maven(found: str | None) -> Finding:
    """Whether Apache Kafka could be fetched."""
    if found:
        return ok("Maven", found)
    return warning("Maven", "none", "only to fetch Apache Kafka: `sudo apt-get install maven`")


def look(data: Path, own_clickhouse: bool) -> list[Finding]:
    """All of the above, of this machine."""
    program = java_program()
    return [
        python(sys.version_info[:3]),
        processor(platform.machine(), cpu_flags(), own_clickhouse),
        disk(free_bytes(data), data),
        data_folder(data),
        clock(clock_state()),
        java(java_version(program) if program else None),
        maven(shutil.which("mvn")),
    ]


def _others_read(file: Path) -> bool:
    return file.exists() and bool(file.stat().st_mode & 0o077)
