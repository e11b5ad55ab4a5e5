"""Retention: of those who started in a period, how many came back in later ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from clickhouse.client import Client
from clickhouse.reports import activity
from clickhouse.reports.activity import EVENTS, Activity, Told
from clickhouse.reports.field import Field, field_of
from clickhouse.reports.filter import Parameters, numeric, text
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.scope import Scope, Unit
from clickhouse.reports.statement import text_of
from pulse.errors import QueryError

Kind = Literal["first_time", "first_ever", "recurring"]
Returning = Literal["on", "on_or_after", "bracket"]

LONGEST = 25
"""How many values of a breakdown an answer has, the largest first."""


@dataclass(frozen=True)
class RetentionQuery:
    """A question. The scope's range is that of the grid, whose periods are the cohorts.

    `brackets` are the columns of the answer: the first and the last period of each, counted from the start's own, which is 0.
    `window_ms` is the length of the windows that are counted from each one's own start; 0 for periods of the grid.
    `measure` is `count`, or the field whose sum over the returning events is asked for.
    """

    scope: Scope
    grid: Grid
    brackets: tuple[tuple[int, int], ...]
    start: Happening = ANYTHING
    back: Happening = ANYTHING
    kind: Kind = "first_time"
    returning: Returning = "on"
    window_ms: int = 0
    minimum_times: int = 1
    measure: str = "count"
    breakdown: str = ""
    unit: Unit = "users"


@dataclass(frozen=True)
class Cell:
    """A column of a cohort: its value, None where it lies beyond the range in whole, and whether it is over."""

    value: float | None
    is_finished: bool


@dataclass(frozen=True)
class Cohort:
    """Those who started in one period: when it began, how many they are, and their columns."""

    begin_ms: int
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """The cohorts of one value of the breakdown, and of each column its average rate, None where none is over."""

    value: str
    size: int
    cohorts: tuple[Cohort, ...]
    averages: tuple[float | None, ...]


@dataclass(frozen=True)
class RetentionAnswer:
    """The groups, the largest first; one alone where there is no breakdown. `source` is what was read.

    `snapshot_ms` is when it was found, where it was not now.
    """

    groups: tuple[Group, ...]
    source: str
    rows_read: int
    ms: float
    snapshot_ms: int | None = None


def answer(client: Client, query: RetentionQuery, now_ms: int) -> RetentionAnswer:
    """Answer a question; raises QueryError for revenue in several currencies, and as the client does."""
    if query.measure == "revenue":
        _demand_one_currency(client, query)
    found, source = ask(client, query, now_ms)
    groups = tuple(group_of(query, value, size, cells, now_ms) for value, size, cells in found.rows)
    if not groups and not query.breakdown:
        groups = (group_of(query, "", 0, (), now_ms),)
    return RetentionAnswer(groups, source, found.rows_read, found.ms)


def ask(client: Client, query: RetentionQuery, now_ms: int) -> Told:
    """The rows of groups and their cells, and the table they are from; raises QueryError for what cannot be asked, and as the client does."""
    bound = Parameters(query.scope.parameters())
    bound["columns"] = columns_of(query)
    if is_plain(query):
        starts = Activity(query.scope, query.unit, query.grid, query.kind != "recurring", query.start, "start")
        returns = Activity(query.scope, query.unit, query.grid, False, query.back, "return")
        both = (starts,) if query.start == query.back else (starts, returns)
        return activity.ask(client, bound, lambda rows: _plain(query, rows), now_ms, *both)
    return Told(client.ask(_timed(query, bound), bound), EVENTS)


def is_plain(query: RetentionQuery) -> bool:
    """Whether it is enough to know in which periods somebody was there and started, whatever else happened in them.

    So it is where whoever starts has returned with that; others may have been there before they started.
    """
    returned = query.back in (query.start, ANYTHING)
    moments = query.kind == "first_ever" and not (query.start == ANYTHING and is_whole(query.scope))
    counted = query.measure == "count" and query.minimum_times == 1 and not query.breakdown
    return returned and counted and not query.window_ms and not moments


def columns_of(query: RetentionQuery) -> list[int]:
    """For each number of periods since the start (0, 1, …) the column it belongs to, counted from 1; 0 for none.

    For `on_or_after`, where a column holds what comes later too, the last period stands for all later ones.
    """
    last = max(end for _, end in query.brackets)
    found = [0] * (last + 1)
    for column, (first, end) in enumerate(query.brackets, 1):
        found[first : end + 1] = [column] * (end + 1 - first)
    return found


def is_whole(scope: Scope) -> bool:
    """Whether all events of the range count."""
    return replace(scope, start_ms=0, end_ms=0) == Scope(scope.site_id, 0, 0, scope.timezone)


PLAIN: Mapping[bool, str] = {
    False: "arrayDistinct(arrayMap(p -> {columns:Array(UInt16)}[p - first + 1], arrayFilter(p -> p >= first, returns)))",
    True: "[{columns:Array(UInt16)}[least(greatest(returns[-1], first) - first + 1, length({columns:Array(UInt16)}))]]",
}


def _plain(query: RetentionQuery, rows: str) -> str:
    """Starts and returns are the same numbers, or those of returns follow those of starts and the period of history."""
    last = query.grid.periods
    are_same = query.start == query.back
    return text_of(
        "retention_plain",
        activity=rows,
        starts="periods" if are_same else f"arrayFilter(p -> p <= {last}, periods)",
        returns="periods" if are_same else f"arrayMap(p -> p - {last + 1}, arrayFilter(p -> p > {last}, periods))",
        firsts="arrayFilter(p -> p > 0, starts)"
        if query.kind == "recurring"
        else "if(empty(starts) OR starts[1] = 0, [], [starts[1]])",
        columns=PLAIN[query.returning == "on_or_after"],
    )


STARTS: Mapping[Kind, tuple[str, str]] = {
    "first_time": (
        "if(countIf(starts) = 0, [], [minIf($moment, starts)])",
        "notEmpty(firsts) AND firsts[1].1 >= {start:Int64}",
    ),
    "first_ever": (
        "if(countIf(starts) = 0, [], [minIf($moment, starts)])",
        "notEmpty(firsts) AND firsts[1].1 >= {start:Int64} AND firsts[1].1 = min(at)",
    ),
    "recurring": ("arraySort(groupArrayIf($moment, starts))", "notEmpty(firsts)"),
}
"""The starts of a unit, and who has one."""


def _timed(query: RetentionQuery, bound: Parameters) -> str:
    bound["since"] = 0 if query.kind != "recurring" else query.grid.start_ms
    bound["times"] = query.minimum_times
    passes = query.scope.filtered(bound)
    starts = f"{passes} AND {query.start.sql(bound, 'start')}"
    firsts, having = STARTS[query.kind]
    return text_of(
        "retention_timed",
        who=query.scope.who(query.unit),
        period=query.grid.number("toUnixTimestamp64Milli(ts)", bound),
        amount=_amount(query, bound),
        value=text(field_of(query.breakdown, "breakdown"), bound) if query.breakdown else "''",
        id="toUInt128(event_id)" if query.breakdown else "toUInt128(0)",
        starts=starts,
        returns=f"ts >= fromUnixTimestamp64Milli({{start:Int64}}) AND {passes} AND {query.back.sql(bound, 'return')}",
        wanted="1"
        if query.kind == "first_ever"
        else f"(ts >= fromUnixTimestamp64Milli({{start:Int64}}) OR ({starts}))",
        firsts=firsts.replace("$moment", "(at, id, period, value)"),
        having=having,
        since_start=_since_start(query, bound),
        longest="length({columns:Array(UInt16)})" if query.returning == "on_or_after" else "65535",
        cells=text_of("retention_cells_after" if query.returning == "on_or_after" else "retention_cells_on"),
    )


def _since_start(query: RetentionQuery, bound: Parameters) -> str:
    if query.window_ms:
        return f"intDiv(r.1 - first.1, {bound.bind(query.window_ms, 'Int64')})"
    return "toInt64(r.2) - first.3"


def _amount(query: RetentionQuery, bound: Parameters) -> str:
    if query.measure == "count":
        return "toFloat64(0)"
    return f"toFloat64(ifNull({numeric(_summed(query), bound)}, 0))"


def _summed(query: RetentionQuery) -> Field:
    field = field_of(query.measure, "measure")
    if field.name != "revenue" and field.type != "any":
        raise QueryError("measure: is count, sum:revenue or sum:properties.NAME")
    return field


def _demand_one_currency(client: Client, query: RetentionQuery) -> None:
    bound = Parameters(query.scope.parameters())
    passes = f"{query.scope.filtered(bound)} AND {query.back.sql(bound, 'return')}"
    [[currencies]] = client.ask(text_of("retention_currencies", passes=passes), bound).rows
    if len(currencies) > 1:
        named = ", ".join(name or "none" for name in sorted(currencies))
        raise QueryError(f"return: the revenue is in several currencies ({named}): choose one by a filter on currency")


def group_of(
    query: RetentionQuery, value: str, size: int, cells: Sequence[tuple[int, int, int, float]], now_ms: int
) -> Group:
    """A group from its (cohort, column, units, amount); column 0 is the cohort itself."""
    found: dict[int, dict[int, float]] = {}
    for cohort, column, units, amount in cells:
        found.setdefault(cohort, {})[column] = units if query.measure == "count" or not column else amount
    cohorts = tuple(
        _cohort(query, number, found.get(number, {}), now_ms) for number in range(1, query.grid.periods + 1)
    )
    return Group(value, size, cohorts, tuple(_averages(cohorts, len(query.brackets))))


def _cohort(query: RetentionQuery, number: int, found: Mapping[int, float], now_ms: int) -> Cohort:
    values = [found.get(column, 0) for column in range(1, len(query.brackets) + 1)]
    if query.returning == "on_or_after":
        values = list(accumulate(reversed(values)))[::-1]
    cells = (
        _cell(query, number, bracket, value, now_ms) for bracket, value in zip(query.brackets, values, strict=True)
    )
    return Cohort(query.grid.begins[number - 1], int(found.get(0, 0)), tuple(cells))


def _cell(query: RetentionQuery, number: int, bracket: tuple[int, int], value: float, now_ms: int) -> Cell:
    first, after = number - 1 + bracket[0], number + bracket[1]
    end = min(query.scope.end_ms, now_ms)
    if query.window_ms:
        begin_ms = query.grid.begins[number - 1] + bracket[0] * query.window_ms
        is_over = query.grid.begins[number] + (bracket[1] + 1) * query.window_ms <= end
        return Cell(value if begin_ms < query.scope.end_ms else None, is_over)
    is_over = after <= query.grid.periods and query.grid.begins[after] <= end
    return Cell(value if first < query.grid.periods else None, is_over)


def _averages(cohorts: Sequence[Cohort], columns: int) -> Iterator[float | None]:
    """Weighted by the cohorts' sizes, over the cells that are over."""
    for column in range(columns):
        over = [
            (cohort.size, cohort.cells[column].value or 0) for cohort in cohorts if cohort.cells[column].is_finished
        ]
        size = sum(size for size, _ in over)
        yield sum(value for _, value in over) / size if size else None
