"""Stickiness: in how many periods somebody is there; and how many are there on a day, within 7 and within 30 days."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from clickhouse.client import Client
from clickhouse.reports.activity import Activity, ask
from clickhouse.reports.statement import text_of

WEEK, MONTH = 7, 30
"""How many days, the last one included, somebody counts as active of a week and of a month."""


@dataclass(frozen=True)
class StickinessAnswer:
    """`exactly[n - 1]` were there in n periods, `at_least[n - 1]` in as many or more; `units` in any. `source` is the table that was read."""

    exactly: tuple[int, ...]
    at_least: tuple[int, ...]
    source: str
    rows_read: int
    ms: float

    @property
    def units(self) -> int:
        """How many were there at all."""
        return self.at_least[0]


@dataclass(frozen=True)
class Active:
    """A day: when it began in ms, how many were there on it, within 7 and within 30 days up to its end; whether it is over."""

    begin_ms: int
    day: int
    week: int
    month: int
    is_finished: bool


@dataclass(frozen=True)
class ActiveAnswer:
    """The days, one after another. `source` is the table that was read."""

    days: tuple[Active, ...]
    source: str
    rows_read: int
    ms: float


def answer(client: Client, activity: Activity, now_ms: int) -> StickinessAnswer:
    """Answer for an activity without history. Raises QueryError for a filter that cannot be, and as the client does."""
    bound = activity.scope.parameters()
    found, source = ask(client, bound, lambda rows: text_of("stickiness", activity=rows), now_ms, activity)
    counts = {row[0]: row[1] for row in found.rows}
    exactly = tuple(counts.get(number, 0) for number in range(1, activity.grid.periods + 1))
    at_least = tuple(accumulate(reversed(exactly)))[::-1]
    return StickinessAnswer(exactly, at_least, source, found.rows_read, found.ms)


def active(client: Client, activity: Activity, now_ms: int) -> ActiveAnswer:
    """Answer for an activity over days without history, of which the first 29 are not told. Raises as `answer` does."""
    bound = activity.scope.parameters() | {"longest": MONTH}
    found, source = ask(client, bound, lambda rows: text_of("stickiness_active", activity=rows), now_ms, activity)
    by_reach = {reach: _rolling(found.rows, reach, activity.grid.periods) for reach in (1, WEEK, MONTH)}
    begins, end = activity.grid.begins, min(activity.scope.end_ms, now_ms)
    days = (
        Active(begins[n], by_reach[1][n], by_reach[WEEK][n], by_reach[MONTH][n], begins[n + 1] <= end)
        for n in range(MONTH - 1, activity.grid.periods)
    )
    return ActiveAnswer(tuple(days), source, found.rows_read, found.ms)


def _rolling(rows: Sequence[Sequence[int]], reach: int, days: int) -> list[int]:
    """For each day how many were there within so many days: from each of somebody's days on, until they come again."""
    changes = [0] * (days + 1)
    for day, until_next, units in rows:
        changes[day - 1] += units
        changes[min(day - 1 + min(until_next, reach), days)] -= units
    return list(accumulate(changes))[:days]
