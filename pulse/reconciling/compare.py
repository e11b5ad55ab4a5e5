"""The differences of a day, exact beside a store that is being written: what is only on its way is none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulse.reconciling.cell import Difference, differences
from pulse.reconciling.derived import Derived

Row = Mapping[str, Any]
Ask = Callable[[str, Mapping[str, str]], Sequence[Row]]
"""Asks the store a question with parameters."""

ATTEMPTS = 10


class Unsettled(Exception):
    """The sums of a day went ahead of its events each time that it was looked at."""


def find(
    derived: Derived, day: str, site: str, partitions: int, ask: Ask, await_passed: Callable[[], None]
) -> list[Difference]:
    """The cells of a day that differ; `await_passed` returns when all that is in the log when it is called is stored.

    What lies beyond the places that are in the sums is either on its way or was lost on it: if a source stands where it
    stood before all that was in the log passed, nothing of it is on its way. Raises Unsettled.
    """
    asked = {"day": day, "site": site, "partitions": str(partitions)}
    rows = ask(derived.text(), asked | _marks([]))
    for _ in range(ATTEMPTS):
        if not rows:
            return []
        marks = ask(derived.text("_marks"), asked)
        await_passed()
        rows = ask(derived.text(), asked | _marks(marks))
        if not any(row["unsettled"] for row in rows):
            return differences(derived, day, rows)
    raise Unsettled


def _marks(rows: Sequence[Row]) -> dict[str, str]:
    return {name: _map({row["key"]: row[of] for row in rows}) for name, of in (("stood", "stands"), ("ended", "ends"))}


def _map(values: Mapping[str, object]) -> str:
    """A map as ClickHouse reads it from a parameter."""
    return "{" + ",".join(f"'{_quoted(key)}':{value}" for key, value in values.items()) + "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
