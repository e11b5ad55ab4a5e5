"""A cell that differs, and the row that mends it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pulse.reconciling.derived import Derived

WRAPS = 1 << 64


class Difference(Struct):
    """A cell of a table: its keys, and of each of its sums what is kept and what was counted from the events."""

    table: str
    day: str
    cell: dict[str, str]
    kept: dict[str, Decimal]
    counted: dict[str, Decimal]


def differences(derived: Derived, day: str, rows: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """The cells that differ among the rows of an answer; of some of them more events are only on their way."""
    found = [_read(derived, day, row) for row in rows if not row["unsettled"]]
    return [each for each in found if each.kept != each.counted]


def _read(derived: Derived, day: str, row: Mapping[str, Any]) -> Difference:
    return Difference(
        derived.table,
        day,
        {key: str(row[key]) for key in derived.keys},
        {name: Decimal(str(row[f"{name}_kept"])) for name in derived.sums},
        {name: Decimal(str(row[f"{name}_counted"])) for name in derived.sums},
    )


def correction(derived: Derived, found: Difference) -> dict[str, Any]:
    """The row to insert: it is added to what is there. Counts have no sign in the store, and wrap around as they are added."""
    missing = {name: found.counted[name] - kept for name, kept in found.kept.items()}
    counts = {name: int(missing[name]) % WRAPS for name in derived.counts}
    return found.cell | counts | {name: str(missing[name]) for name in derived.amounts}
