"""Lifecycle: of those who are there in a period, who is new, who stayed, who came back; and who is gone since the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.activity import Activity, ask
from clickhouse.reports.statement import text_of

STATES = ("new", "returning", "resurrecting", "dormant")


@dataclass(frozen=True)
class Stage:
    """A period: when it began in ms, how many are in each state, and whether it is over."""

    begin_ms: int
    counts: Mapping[str, int]
    is_finished: bool


@dataclass(frozen=True)
class LifecycleAnswer:
    """The periods, one after another. `source` is the table that was read."""

    stages: tuple[Stage, ...]
    source: str
    rows_read: int
    ms: float


def answer(client: Client, activity: Activity, now_ms: int) -> LifecycleAnswer:
    """Answer for an activity with history; the first period of its grid is the one before those that are told.

    Raises QueryError for a filter that cannot be, and as the client does.
    """
    bound = activity.scope.parameters() | {"last": activity.grid.periods}
    found, source = ask(client, bound, lambda rows: text_of("lifecycle", activity=rows), now_ms, activity)
    stages = tuple(_stage(activity, number, found.rows, now_ms) for number in range(2, activity.grid.periods + 1))
    return LifecycleAnswer(stages, source, found.rows_read, found.ms)


def _stage(activity: Activity, number: int, rows: Sequence[Sequence[int]], now_ms: int) -> Stage:
    found = {STATES[state]: units for period, state, units in rows if period == number}
    is_over = activity.grid.begins[number] <= min(activity.scope.end_ms, now_ms)
    return Stage(activity.grid.begins[number - 1], {state: found.get(state, 0) for state in STATES}, is_over)
