"""The statement of a question to the planner."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clickhouse.reports import formula
from clickhouse.reports.field import Field
from clickhouse.reports.filter import Parameters, conditions, numeric, text
from clickhouse.reports.filter import sql_of as condition
from clickhouse.reports.formula import Formula
from clickhouse.reports.metric import Metric, Source, counted, not_numbers, sql_of
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import rows_of, sessions_of
from clickhouse.reports.statement import text_of

Granularity = Literal["minute", "hour", "day", "week", "month", "none"]

TIMES: Mapping[Granularity, str] = {
    "minute": "toStartOfMinute(ts)",
    "hour": "toStartOfHour(ts, {timezone:String})",
    "day": "toStartOfDay(ts, {timezone:String})",
    "week": "toDateTime(toStartOfWeek(ts, 1, {timezone:String}), {timezone:String})",
    "month": "toDateTime(toStartOfMonth(ts, {timezone:String}), {timezone:String})",
}


@dataclass(frozen=True)
class Order:
    """By which metric, formula or field groups are ordered; equal ones by their fields."""

    by: str
    descending: bool = True


@dataclass(frozen=True)
class Wanted:
    """What the statement is to tell."""

    scope: Scope
    source: Source
    metrics: tuple[Metric, ...]
    breakdown: tuple[Field, ...]
    granularity: Granularity
    formulas: tuple[Formula, ...]
    order: Order
    is_compared: bool


def statement(wanted: Wanted, bound: Parameters) -> str:
    """The statement; what it takes is put among the bound parameters. Raises QueryError for a filter that cannot be."""
    tallied = _tallied(wanted, bound, past=0)
    if wanted.is_compared:
        tallied += f" UNION ALL {_tallied(wanted, bound, past=1)}"
    columns = _columns(wanted)
    return text_of(
        "query",
        keys=_keys(wanted),
        values=", ".join(columns),
        order=_order(wanted),
        tallied=tallied,
    )


def _tallied(wanted: Wanted, bound: Parameters, past: int) -> str:
    of_events = any(not each.is_of_sessions for each in wanted.metrics)
    of_sessions = any(each.is_of_sessions for each in wanted.metrics)
    events = _of_events(wanted, bound, past) if of_events else ""
    sessions = _of_sessions(wanted, bound, past) if of_sessions else ""
    if events and sessions:
        return text_of("query_both", events=events, sessions=sessions, keys=_keys(wanted))
    return events or sessions


def _of_events(wanted: Wanted, bound: Parameters, past: int) -> str:
    dimensions = [f", {text(each, bound)} AS d{n}" for n, each in enumerate(wanted.breakdown)]
    return text_of(
        "query_events",
        past=f"toUInt8({past})",
        timed="toUInt8(0)" if wanted.granularity == "none" else "toUInt8(1 - grouping(time))",
        keyed="toUInt8(1 - grouping(d0))" if wanted.breakdown else "toUInt8(0)",
        keys=_keys(wanted),
        values=", ".join(_events_values(wanted, bound)),
        time=_time(wanted),
        dimensions="".join(dimensions),
        rows=_rows(wanted, past),
        filtered=_filtered(wanted, bound),
        sets=", ".join(f"({', '.join(names)})" for names in _sets(wanted)),
    )


def _of_sessions(wanted: Wanted, bound: Parameters, past: int) -> str:
    values = [
        f"{sql_of(each, 'events', wanted.scope, bound)} AS m{n}"
        for n, each in enumerate(wanted.metrics)
        if each.is_of_sessions
    ]
    return text_of(
        "query_sessions",
        past=f"toUInt8({past})",
        keys="".join(f"level.{n + 4} AS d{n}, " for n in range(len(wanted.breakdown))),
        values=", ".join(values),
        sessions=_sessions(wanted, bound, past),
        levels=", ".join(_level(wanted, names) for names in _sets(wanted)),
    )


def _sessions(wanted: Wanted, bound: Parameters, past: int) -> str:
    told = text_of(
        "query_sessions_told",
        time=_time(wanted),
        dimensions="".join(f", {text(each, bound)}" for each in wanted.breakdown),
        filtered=_filtered(wanted, bound),
    )
    return _ranged(sessions_of(told), past)


def _level(wanted: Wanted, names: Sequence[str]) -> str:
    """The cells of a session seen at one level, as tuples of timed, keyed, time and the keys."""
    timed = int("time" in names and wanted.granularity != "none")
    keyed = int("d0" in names)
    time = "c.1" if timed else "toInt64(0)"
    keys = [f", {f'c.{n + 2}' if keyed else _EMPTY}" for n in range(len(wanted.breakdown))]
    return f"arrayMap(c -> tuple(toUInt8({timed}), toUInt8({keyed}), {time}{''.join(keys)}), cells)"


_EMPTY = "''"


def _sets(wanted: Wanted) -> list[list[str]]:
    """The levels, each with the columns that tell its rows apart; without buckets `time` is 0 and stands in all."""
    keys = [f"d{n}" for n in range(len(wanted.breakdown))]
    if wanted.granularity == "none":
        return [["time", *keys], ["time"]] if keys else [["time"]]
    return [["time", *keys], keys, ["time"], []] if keys else [["time"], []]


def _events_values(wanted: Wanted, bound: Parameters) -> list[str]:
    values = []
    for n, each in enumerate(wanted.metrics):
        if each.is_of_sessions:
            continue
        values.append(f"{sql_of(each, wanted.source, wanted.scope, bound)} AS m{n}")
        if each.field is not None and each.field.type == "any":
            values.append(f"count({numeric(each.field, bound)}) AS numbers{n}")
            values.append(f"{not_numbers(each.field, bound)} AS others{n}")
    if _has_money(wanted):
        values.append("groupUniqArrayIf(toString(currency), revenue != 0) AS currencies")
    return values


def _columns(wanted: Wanted) -> list[str]:
    columns = [f"m{n}" for n in range(len(wanted.metrics))]
    for n, each in enumerate(wanted.metrics):
        if each.field is not None and each.field.type == "any":
            columns += [f"numbers{n}", f"others{n}"]
    return [*columns, "currencies"] if _has_money(wanted) else columns


def _has_money(wanted: Wanted) -> bool:
    return any(each.is_money for each in wanted.metrics)


def _keys(wanted: Wanted) -> str:
    return "".join(f"d{n}, " for n in range(len(wanted.breakdown)))


def _time(wanted: Wanted) -> str:
    if wanted.granularity == "none":
        return "toInt64(0)"
    return f"toInt64(toUnixTimestamp({TIMES[wanted.granularity]}))"


def _order(wanted: Wanted) -> str:
    metrics = {each.name: f"m{n}" for n, each in enumerate(wanted.metrics)}
    formulas = {each.name: formula.sql_of(each.tree, metrics) for each in wanted.formulas}
    fields = {each.name: f"d{n}" for n, each in enumerate(wanted.breakdown)}
    direction = "DESC" if wanted.order.descending else "ASC"
    first = f"{(fields | formulas | metrics)[wanted.order.by]} {direction} NULLS LAST"
    return ", ".join([first, *fields.values()])


def _rows(wanted: Wanted, past: int) -> str:
    if wanted.source == "events":
        return _ranged(rows_of(wanted.scope, "visitors"), past)
    fields = {each.field for each in conditions(wanted.scope.filter)} | {each.name for each in wanted.breakdown}
    return _ranged(summed(wanted.source, fields), past)


def summed(source: Source, fields: Collection[str]) -> str:
    """What stands behind FROM for sums of events, of which some fields are of interest."""
    if source == "metrics_minute":
        return text_of("minutes")
    return text_of("pages_days", path="path," if "path" in fields else "")


def _ranged(rows: str, past: int) -> str:
    """Rows of the range, or of the one before."""
    return rows.replace("{start:", "{before_start:").replace("{end:", "{before_end:") if past else rows


def _filtered(wanted: Wanted, bound: Parameters) -> str:
    if wanted.source != "events":
        return f"{counted(wanted.scope.bots)} > 0 AND {condition(wanted.scope.filter, bound)}"
    return wanted.scope.filtered(bound)
