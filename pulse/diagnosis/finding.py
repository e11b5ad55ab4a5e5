"""What was found about one thing that Pulse needs."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    ok = "ok"
    warning = "warning"
    """Pulse runs, or runs in some of its ways."""
    missing = "missing"
    """Pulse cannot run like this."""


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, what it is like, and what to do if that is not right."""

    what: str
    state: State
    seen: str
    remedy: str = ""


def ok(what: str, seen: str) -> Finding:
    """It is as it should be."""
    return Finding(what, State.ok, seen)


def warning(what: str, seen: str, remedy: str) -> Finding:
    """It is not, but Pulse can do without."""
    return Finding(what, State.warning, seen, remedy)


def missing(what: str, seen: str, remedy: str) -> Finding:
    """It is not, and Pulse cannot do without."""
    return Finding(what, State.missing, seen, remedy)
