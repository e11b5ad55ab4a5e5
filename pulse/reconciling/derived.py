"""What is derived from the events: the one list by which `pulse reconcile` goes."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Derived:
    """A table whose rows follow from the events, and `{table}.sql`, which finds the cells of a day that differ.

    A cell is named by its `keys`; of each of the `counts` and `amounts` the query tells what is kept and what was counted.
    It also tells how many events lie `beyond` the places up to which both were compared, and whether the cell is
    `unsettled`. `{table}_marks.sql` says where its sources stand. Where the sums `are_mended`, a row of the difference
    does it; elsewhere a difference is only told. `causes` are the likely ones, and what to do.
    """

    table: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    amounts: tuple[str, ...]
    are_mended: bool
    causes: str

    @property
    def sums(self) -> tuple[str, ...]:
        """Counts and amounts."""
        return self.counts + self.amounts

    def text(self, what: str = "") -> str:
        """The question of a file."""
        return (HERE / f"{self.table}{what}.sql").read_text(encoding="utf-8")


DERIVED = (
    Derived(
        "metrics_minute",
        ("site_id", "minute", "event", "country", "device_type", "currency"),
        ("events", "bots"),
        ("revenue",),
        are_mended=True,
        causes=(
            "likely aggregates were lost with a Kafka whose log was in memory, events were deleted, or an old repetition was "
            "merged away; `pulse reconcile --repair` adds to the aggregates what they lack"
        ),
    ),
    Derived(
        "ledger_minute",
        ("site_id", "minute"),
        ("events",),
        (),
        are_mended=False,
        causes=(
            "likely events were deleted, a part of the table was lost, or an old repetition was merged away; --repair does not "
            "mend this, as what was received stands: restore the events, or send them again with the same ids"
        ),
    ),
)
"""A later view is one line here, and its files beside it."""
