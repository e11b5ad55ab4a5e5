"""Performance: how long pages take, by the measurements that the visitors' browsers send."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from clickhouse.client import Client
from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Parameters, numeric, text
from clickhouse.reports.query_statement import TIMES, Granularity
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE
from clickhouse.reports.statement import text_of

EVENT = "web_vitals"
"""The event that carries measurements, each as a property of its name."""


class Vital(NamedTuple):
    """A measurement: up to `good` it is good, above `poor` it is poor; in between it needs improvement. All in ms but CLS, which has no unit."""

    name: str
    good: float
    poor: float


VITALS = (
    Vital("lcp", 2_500, 4_000),
    Vital("inp", 200, 500),
    Vital("cls", 0.1, 0.25),
    Vital("fcp", 1_800, 3_000),
    Vital("ttfb", 800, 1_800),
)
"""The thresholds are those that web.dev publishes."""
LOAD = "load"
"""Until the page's load event, in ms, which nobody rates."""
MEASURED = (*(vital.name for vital in VITALS), LOAD)


@dataclass(frozen=True)
class Measured:
    """A measurement's quantiles and how many there are; of those that are rated, how many are good and how many poor."""

    count: int
    p50: float | None
    p75: float | None
    p95: float | None
    good: int | None
    poor: int | None


Line = dict[str, Measured]
"""Each measurement by its name."""


@dataclass(frozen=True)
class PerformanceAnswer:
    """The whole; by the values of a field, those with the most events first; and by the beginnings of buckets in ms."""

    total: Line
    groups: tuple[tuple[str, Line], ...]
    buckets: dict[int, Line]
    values: int
    rows_read: int
    ms: float
    source: str = TABLE


def answer(client: Client, scope: Scope, by: str, granularity: Granularity, limit: int) -> PerformanceAnswer:
    """Answer for the measurements of a scope. Raises QueryError for a field or filter that cannot be, and as the client does."""
    bound = Parameters(scope.parameters() | {"limit": limit, "name": EVENT})
    statement = text_of(
        "performance",
        by=text(field_of(by, "by"), bound),
        time="toInt64(0)" if granularity == "none" else f"toInt64(toUnixTimestamp({TIMES[granularity]}))",
        values=", ".join(_values(bound)),
        columns=", ".join(f"of_{name}" for name in MEASURED),
        measured=", ".join(_measured()),
        filtered=scope.filtered(bound),
    )
    found = client.ask(statement, bound)
    rows = {level: [row for row in found.rows if row[0] == level] for level in ("all", "value", "time")}
    total = _line(rows["all"][0]) if rows["all"] else dict.fromkeys(MEASURED, NOTHING)
    return PerformanceAnswer(
        total,
        tuple((row[1], _line(row)) for row in rows["value"]),
        {row[2] * 1000: _line(row) for row in rows["time"]} if granularity != "none" else {},
        rows["value"][0][3] if rows["value"] else 0,
        found.rows_read,
        found.ms,
    )


NOTHING = Measured(0, None, None, None, None, None)


def _values(bound: Parameters) -> Iterator[str]:
    for name in MEASURED:
        number = numeric(field_of(f"properties.{name}", name), bound)
        yield f"if(isFinite({number}) AND {number} >= 0, {number}, NULL) AS {name}"


def _measured() -> Iterator[str]:
    rated = {vital.name: vital for vital in VITALS}
    for name in MEASURED:
        quantiles = f"quantilesExactInclusive(0.5, 0.75, 0.95)({name})"
        vital = rated.get(name)
        counts = f"countIf({name} <= {vital.good}), countIf({name} > {vital.poor})" if vital else "NULL, NULL"
        yield f"(count({name}), {quantiles}, {counts}) AS of_{name}"


def _line(row: Sequence[Any]) -> Line:
    return {name: _of(*row[4 + n]) for n, name in enumerate(MEASURED)}


def _of(count: int, quantiles: Sequence[float], good: int | None, poor: int | None) -> Measured:
    if not count:
        return NOTHING
    return Measured(count, quantiles[0], quantiles[1], quantiles[2], good, poor)
