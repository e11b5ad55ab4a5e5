"""The installed packages against those that are locked."""

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pulse.diagnosis.finding import Finding, missing, ok, warning

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
NAMED = 4
_PIN = re.compile(r"^[A-Za-z0-9][^\\\n]*", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """The packages of a lock that this machine and Python need, each with its version."""
    wanted = [Requirement(line.strip()) for line in _PIN.findall(lock)]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in needed}


def compare(locked: Mapping[str, str], installed: Mapping[str, str]) -> Finding:
    """Whether what is installed is what is locked."""
    absent = [name for name in locked if name not in installed]
    other = [
        f"{name} {installed[name]} instead of {version}"
        for name, version in locked.items()
        if installed.get(name, version) != version
    ]
    if absent:
        return missing("packages", f"not installed: {_some(absent)}", "`make setup`")
    if other:
        return warning("packages", _some(other), "`rm .venv/requirements.lock; make setup`")
    return ok("packages", f"{len(locked)} as locked")


def look() -> Finding:
    """The packages of this Python."""
    installed: dict[str, str] = {
        canonicalize_name(each.name): each.version for each in metadata.distributions() if each.name
    }
    return compare(pins(LOCK.read_text()), installed)


def _some(words: list[str]) -> str:
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f" and {more} more" if more > 0 else "")
