"""What the planner's statement found, as rows of groups and buckets: none is missing, and what has no place is summed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from clickhouse.reports.field import Field
from clickhouse.reports.formula import Formula, Value, computed
from clickhouse.reports.metric import Metric
from pulse.errors import QueryError

Found = Mapping[str, Any]
"""A row of the statement by its columns."""


class Row(NamedTuple):
    """The values of a group in a bucket: its beginning in ms where there are buckets, a value for each field of the breakdown."""

    time: int | None
    keys: tuple[str, ...]
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Told:
    """The groups that have a place, in their order, each with all of its buckets; the whole; what the other groups sum up to.

    `groups` is how many there are, of which `places` are told. `rest` has a row for each bucket, or one.
    """

    rows: tuple[Row, ...]
    totals: Mapping[str, Value]
    rest: tuple[Row, ...]
    groups: int
    places: tuple[tuple[str, ...], ...]


def told(
    rows: Sequence[Found],
    past: int,
    metrics: Sequence[Metric],
    breakdown: Sequence[Field],
    formulas: Sequence[Formula],
    times: Sequence[int],
    now: Told | None = None,
) -> Told:
    """The part of what was found that is of one period; with `now`, its groups are told, whether they were there or not.

    Raises QueryError for revenue in several currencies, and for properties that are no numbers.
    """
    own = [row for row in rows if row["past"] == past]
    whole = next((row for row in own if not row["timed"] and not row["keyed"]), None)
    reading = _Reading(metrics, breakdown, formulas, is_mixed=_is_mixed(whole, breakdown))
    if whole is not None:
        _demand_numbers(whole, metrics)
    places = now.places if now else tuple(reading.keys(row) for row in own if row["keyed"] and not row["timed"])
    cells = {(reading.time(row), reading.keys(row) if row["keyed"] else None): row for row in own}
    moments = _moments(times, cells)
    groups = int(whole["groups"]) if whole and breakdown else 0
    listed = places if breakdown else ((),)
    told_rows = [reading.row(cells, moment, keys) for keys in listed for moment in moments]
    there = sum(1 for keys in places if (None, keys) in cells)
    rest = [reading.rest(cells, moment, places) for moment in moments] if breakdown and groups > there else []
    return Told(tuple(told_rows), reading.values(whole, is_over_groups=True), tuple(rest), groups, places)


@dataclass(frozen=True)
class _Reading:
    """How rows are read: what was asked for; and whether the whole has amounts in several currencies."""

    metrics: Sequence[Metric]
    breakdown: Sequence[Field]
    formulas: Sequence[Formula]
    is_mixed: bool

    def keys(self, row: Found) -> tuple[str, ...]:
        return tuple(row[f"d{n}"] for n in range(len(self.breakdown)))

    def time(self, row: Found) -> int | None:
        return int(row["time"]) * 1000 if row["timed"] else None

    def row(self, cells: Mapping[Any, Found], moment: int | None, keys: tuple[str, ...]) -> Row:
        return Row(moment, keys, self.values(cells.get((moment, keys if self.breakdown else None))))

    def values(self, row: Found | None, is_over_groups: bool = False) -> dict[str, Value]:
        """The values of a row, those of formulas with them; where there is no row, of nothing."""
        return self._with_formulas(
            {
                each.name: None if is_over_groups and self.is_mixed and each.is_money else _value(each, n, row)
                for n, each in enumerate(self.metrics)
            }
        )

    def rest(self, cells: Mapping[Any, Found], moment: int | None, places: Sequence[tuple[str, ...]]) -> Row:
        """What a bucket has beyond the groups that are told, of the metrics that can be added up."""
        whole = self.values(cells.get((moment, None)), is_over_groups=True)
        told_ = [self.values(cells.get((moment, keys))) for keys in places]
        values = {each.name: _less(each, whole[each.name], [one[each.name] for one in told_]) for each in self.metrics}
        return Row(moment, (), self._with_formulas(values))

    def _with_formulas(self, values: dict[str, Value]) -> dict[str, Value]:
        return values | {each.name: computed(each.tree, values) for each in self.formulas}


def _moments(times: Sequence[int], cells: Mapping[Any, Found]) -> list[int | None]:
    """The buckets; those that only the store knows of, as its time zones may be newer, are among them."""
    if not times:
        return [None]
    return sorted({*times, *(time for time, _ in cells if time is not None)})


def _value(metric: Metric, number: int, row: Found | None) -> Value:
    value: Value = None if row is None else row[f"m{number}"]
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return metric.of_nothing
    return value


def _less(metric: Metric, whole: Value, parts: Sequence[Value]) -> Value:
    if not metric.is_summed or whole is None:
        return None
    if isinstance(whole, float):
        return whole - sum(float(part or 0) for part in parts)
    return (
        Decimal(whole) - sum(Decimal(part or 0) for part in parts)
        if isinstance(whole, Decimal)
        else _whole(whole, parts)
    )


def _whole(whole: Value, parts: Sequence[Value]) -> int:
    return int(whole or 0) - sum(int(part or 0) for part in parts)


def _is_mixed(whole: Found | None, breakdown: Sequence[Field]) -> bool:
    currencies = sorted(whole.get("currencies", ())) if whole else []
    if len(currencies) < 2:
        return False
    if any(each.name == "currency" for each in breakdown):
        return True
    named = ", ".join(name or "none" for name in currencies)
    raise QueryError(
        f"metrics: the revenue is in several currencies ({named}): filter by currency, or break down by it"
    )


def _demand_numbers(whole: Found, metrics: Sequence[Metric]) -> None:
    for n, each in enumerate(metrics):
        others = int(whole.get(f"others{n}", 0))
        if others and not whole[f"numbers{n}"]:
            raise QueryError(
                f"metrics[{n}]: {each.name} takes numbers, and the property is none in each of the {others:,} events that have it"
            )
