"""Retention by weeks that are over, as it was once found, and whether it is still what would be found now."""

from dataclasses import dataclass
from typing import NamedTuple

from clickhouse import people
from clickhouse.client import Client
from clickhouse.reports.daybits import DAY_MS
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING
from clickhouse.reports.retention import (
    Group,
    RetentionAnswer,
    RetentionQuery,
    answer,
    ask,
    group_of,
    is_plain,
    is_whole,
)
from clickhouse.reports.scope import Scope, Unit
from clickhouse.reports.statement import text_of

WEEKS = 13
UNITS: tuple[Unit, ...] = ("users", "visitors")
SOURCE = "retention_snapshots"


@dataclass(frozen=True)
class Snapshot:
    """What was found of some weeks: when they began and the last one ended, in ms; of each cohort and column how many units.

    `mark` tells the events and the people it was found of from others.
    """

    begins: tuple[int, ...]
    cells: tuple[tuple[int, int, int], ...]
    mark: str
    made_ms: int


class Marked(NamedTuple):
    """A mark, and what finding it took."""

    mark: str
    rows_read: int
    ms: float


def marked(client: Client, site_id: str, end_ms: int, state: str) -> Marked:
    """The mark of what is stored of a site from before a moment, its people being of a state."""
    received = text_of("retention_mark_received") if end_ms % DAY_MS else "0"
    found = client.ask(text_of("retention_mark", received=received), {"site": site_id, "end": end_ms})
    told = ".".join(str(each) for each in found.rows[0])
    return Marked(f"{told}.{state}", found.rows_read, found.ms)


def take(client: Client, site_id: str, unit: Unit, begins: tuple[int, ...], now_ms: int) -> Snapshot:
    """Find the retention of a site now. The mark is older than what is found, so nothing stored meanwhile goes unnoticed."""
    state = people.state(client, site_id)
    mark = marked(client, site_id, begins[-1], state).mark
    behind = people.dictionary_of(client.database) if state else ""
    scope = Scope(site_id, begins[0], begins[-1], people=behind)
    columns = tuple((n, n) for n in range(len(begins) - 1))
    found = ask(client, RetentionQuery(scope, Grid(begins), columns, unit=unit), now_ms).answer.rows
    cells = tuple((int(c), int(n), int(units)) for _, _, some in found for c, n, units, _ in some)
    return Snapshot(begins, cells, mark, now_ms)


def could_be_kept(query: RetentionQuery) -> bool:
    """Whether a question may be one that a snapshot answers: who did anything, all events counting, when they came back."""
    is_usual = query.start == query.back == ANYTHING and query.kind != "recurring" and query.returning == "on"
    asked, whole = (query.scope.start_ms, query.scope.end_ms), (query.grid.begins[0], query.grid.begins[-1])
    return is_usual and is_plain(query) and is_whole(query.scope) and asked == whole and query.grid.periods <= WEEKS


def answer_with(
    client: Client, query: RetentionQuery, snapshot: Snapshot | None, state: str, now_ms: int
) -> RetentionAnswer:
    """Answer from a snapshot where that is of just what is asked, and nothing has changed since; else from the events."""
    if snapshot is None or not could_be_kept(query) or _place(query, snapshot) is None:
        return answer(client, query, now_ms)
    now = marked(client, query.scope.site_id, snapshot.begins[-1], state)
    if now.mark != snapshot.mark:
        return answer(client, query, now_ms)
    return RetentionAnswer(_groups(query, snapshot, now_ms), SOURCE, now.rows_read, now.ms, snapshot.made_ms)


def _place(query: RetentionQuery, snapshot: Snapshot) -> int | None:
    """Which of the snapshot's weeks is the first that is asked for, if it has them all."""
    begins = query.grid.begins
    if begins[0] not in snapshot.begins:
        return None
    first = snapshot.begins.index(begins[0])
    return first if snapshot.begins[first : first + len(begins)] == begins else None


def _groups(query: RetentionQuery, snapshot: Snapshot, now_ms: int) -> tuple[Group, ...]:
    first, periods = _place(query, snapshot) or 0, query.grid.periods
    cells = [
        (cohort - first, column, units, 0.0)
        for cohort, column, units in snapshot.cells
        if 0 < cohort - first <= periods and cohort - first + max(column - 1, 0) <= periods
    ]
    size = sum(units for _, column, units, _ in cells if not column)
    return (group_of(query, "", size, cells, now_ms),)
