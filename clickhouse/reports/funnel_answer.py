"""Funnels as the store answers them: each step's counts and times, and who reached it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from clickhouse.client import Client
from clickhouse.reports import funnel_saved
from clickhouse.reports.filter import Parameters
from clickhouse.reports.funnel import (
    EDGES_S,
    TOP_VALUES,
    FunnelAnswer,
    FunnelQuery,
    Line,
    Reached,
    Times,
    demand,
)
from clickhouse.reports.funnel_attempts import attempts
from clickhouse.reports.funnel_saved import chosen
from clickhouse.reports.source import TABLE
from clickhouse.reports.statement import text_of
from pulse.errors import QueryError

Fate = Literal["reached", "lost"]
UNTOLD, FIRST_SLOT = 1, 2
"""Slots of values: 1 has none, then come the largest ones in their order, then all the others; 0 is the whole."""
REST = FIRST_SLOT + TOP_VALUES
FASTER: dict[str, object] = {"enable_adaptive_aggregator": 0}
"""Few units have most of the events here: to put those of all others by until the end, for each part of them, takes longer."""


class _Row(NamedTuple):
    step: int
    slot: int
    bucket: int
    value: str
    attempts: int
    unfinished: int
    of_before: Sequence[float]
    bins_before: tuple[Sequence[int], Sequence[int]]
    of_first: Sequence[float]
    bins_first: tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class Person:
    """Who made an attempt, and when it reached each step, in ms; 0 where it did not."""

    who: str
    level: int
    times: tuple[int, ...]


def answer(client: Client, asked: FunnelQuery, now_ms: int) -> FunnelAnswer:
    """What the store finds; an attempt whose window has not ended at `now_ms` is unfinished. Raises QueryError, Unavailable."""
    demand(asked)
    asked = chosen(client, asked)
    bound = Parameters(asked.scope.parameters() | {"now": now_ms})
    found = client.ask(_steps(asked, bound), bound, **client.known(FASTER))
    lines: dict[tuple[int, int], list[Reached]] = {}
    names: dict[int, str | None] = {REST: None}
    for row in map(_Row._make, found.rows):
        line = lines.setdefault((row.slot, row.bucket), [Reached()] * len(asked.steps))
        line[row.step - 1] = _reached(row)
        names.setdefault(row.slot, row.value)
    values = [(names[slot], tuple(lines[slot, 0])) for slot in range(FIRST_SLOT, REST + 1) if (slot, 0) in lines]
    buckets = {begin: _line(asked, lines, (0, begin + 1)) for begin in asked.begins}
    return FunnelAnswer(_line(asked, lines, (0, 0)), tuple(values), buckets, found.rows_read, _source(asked))


def people(client: Client, asked: FunnelQuery, step: int, fate: Fate, after: str, limit: int) -> list[Person]:
    """Who reached a step or was lost after it, by who, beyond `after`. Raises QueryError, Unavailable."""
    demand(asked)
    if not 1 <= step <= len(asked.steps):
        raise QueryError(f"step: the funnel has steps 1 to {len(asked.steps)}")
    bound = Parameters(asked.scope.parameters() | {"after": after, "limit": limit})
    wanted = f"times[{step}] > 0" if fate == "reached" else f"level = {step}"
    found = client.ask(
        text_of("funnel_people", wanted=wanted, inner=attempts(asked, bound, named=True)), bound, **client.known(FASTER)
    )
    return [Person(who, level, tuple(times)) for who, level, times in found.rows]


def _source(asked: FunnelQuery) -> str:
    return TABLE if asked.build is None else funnel_saved.TABLE


def _steps(asked: FunnelQuery, bound: Parameters) -> str:
    inner = attempts(asked, bound)
    slot = "0"
    if asked.breakdown:
        inner = text_of("funnel_ranked", inner=inner)
        slot = f"if(is_told, least(place + {FIRST_SLOT - 1}, {REST}), {UNTOLD})"
    begins = bound.bind(list(asked.begins), "Array(Int64)")
    return text_of(
        "funnel_steps",
        edges=str(list(EDGES_S)),
        bucket=f"roundDown(times[1], {begins}) + 1" if asked.begins else "0",
        rest=str(REST),
        steps=str(len(asked.steps)),
        slot=slot,
        befores=", ".join(f"times[{asked.before(n)}]" for n in range(1, len(asked.steps) + 1)),
        sets=", ".join(f"(step, {', '.join(each)})" if each else "(step)" for each in _sets(asked)),
        inner=inner,
    )


def _sets(asked: FunnelQuery) -> list[list[str]]:
    """By what is counted beside the step: by nothing, by value, by bucket; what is asked for by neither is the same in all."""
    divided = [name for name, is_asked in (("slot", asked.breakdown), ("bucket", asked.begins)) if is_asked]
    same = [name for name in ("slot", "bucket") if name not in divided]
    return [same, *([*same, name] for name in divided)]


def _line(asked: FunnelQuery, lines: dict[tuple[int, int], list[Reached]], key: tuple[int, int]) -> Line:
    return tuple(lines.get(key, [Reached()] * len(asked.steps)))


def _reached(row: _Row) -> Reached:
    if row.step == 1:
        return Reached(row.attempts, row.unfinished)
    before, first = _times(row.of_before, row.bins_before), _times(row.of_first, row.bins_first)
    return Reached(row.attempts, row.unfinished, before, first)


def _times(quantiles: Sequence[float], bins: Any) -> Times:
    return Times(quantiles[0], quantiles[1], dict(zip(*bins, strict=True)))
