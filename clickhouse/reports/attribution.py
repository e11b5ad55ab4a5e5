"""Attribution: conversions and their revenue, credited to the sessions that came before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from clickhouse.client import Client
from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Parameters, text
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE, sessions_of
from clickhouse.reports.statement import text_of

Model = Literal["first", "last", "last_non_direct", "linear", "position", "time_decay"]
People = Literal["visitors", "users"]

WHOLE = 1_000_000_000
"""The parts of a conversion's credit."""
HALF_LIFE_MS = 7 * 86_400_000
SOURCE = "source"
"""No column of its own: utm_source, and the referrer's host where there is none."""


@dataclass(frozen=True)
class AttributionQuery:
    """A question: the events named `goal` of the scope are conversions, sessions told apart by the field `by` their touches."""

    scope: Scope
    goal: str
    model: Model = "last"
    by: str = "channel"
    lookback_ms: int = 30 * 86_400_000
    unit: People = "visitors"
    limit: int = 100


@dataclass(frozen=True)
class Credit:
    """What is credited to a value: exact, so that all values together have one for each conversion, and all of the revenue.

    `conversions` are those of which it has a part; `touches` and days are those of these conversions, from their first
    touch on. Revenue is by currency.
    """

    name: str
    credit: Decimal
    conversions: int
    revenue: Mapping[str, Decimal]
    touches: float | None = None
    days: float | None = None
    days_median: float | None = None


@dataclass(frozen=True)
class Attribution:
    """The values with the most credit, the whole, and how many values there are."""

    credits: tuple[Credit, ...]
    total: Credit
    count: int
    rows_read: int = 0
    ms: float = 0.0
    source: str = TABLE


NONE = Credit("", Decimal(0), 0, {})


def answer(client: Client, query: AttributionQuery) -> Attribution:
    """Answer a question. Raises QueryError for fields and filters that cannot be, and as the client does."""
    bound = Parameters(_before(query).parameters())
    found = client.ask(statement(query, bound), bound)
    own = [row for row in found.rows if not row[0]]
    whole = next((_credit(row) for row in found.rows if row[0]), NONE)
    return Attribution(tuple(map(_credit, own)), whole, own[0][8] if own else 0, found.rows_read, found.ms)


def statement(query: AttributionQuery, bound: Parameters) -> str:
    """The statement; what it takes is put among the bound parameters. Raises QueryError."""
    bound |= {
        "goal": query.goal,
        "goals_start": query.scope.start_ms,
        "lookback": query.lookback_ms,
        "whole": WHOLE,
        "half_life": HALF_LIFE_MS,
        "limit": query.limit,
    }
    who = f"reinterpretAsUInt128(sipHash128({query.scope.who(query.unit)}))"
    filtered = query.scope.filtered(bound)
    value = _SOURCE if query.by == SOURCE else text(field_of(query.by, "by"), bound)
    told = text_of("attribution_told", value=value, who=who, filtered=filtered)
    credited = text_of(
        "attribution_credited",
        ends=_ENDS[query.model],
        touches=text_of("attribution_touches", sessions=sessions_of(told)),
        converted=text_of("attribution_converted", who=who, filtered=filtered),
    )
    return text_of("attribution", credited=credited)


def _before(query: AttributionQuery) -> Scope:
    """The scope from the earliest touch on."""
    return replace(query.scope, start_ms=max(query.scope.start_ms - query.lookback_ms, 0))


def _credit(row: Sequence[Any]) -> Credit:
    _, name, credit, conversions, revenue, touches, days, median, _ = row
    return Credit(
        name,
        Decimal(credit) / WHOLE,
        conversions,
        {currency: Decimal(money) / 10_000 for currency, money in sorted(dict(revenue).items())},
        touches,
        days,
        median,
    )


_SOURCE = "if(utm_source != '', toString(utm_source), toString(referrer_host))"
_ALL_TO = "arrayMap(i -> if(i < {}, 0, {{whole:Int64}}), arrayEnumerate(path))"
_DECAYED = "arrayMap(x -> exp2(-least((at - x.1) / {half_life:Int64}, 1000)), path)"
_ENDS: Mapping[Model, str] = {
    "first": _ALL_TO.format("1"),
    "last": _ALL_TO.format("touches"),
    "last_non_direct": _ALL_TO.format(
        "if(arrayExists(x -> NOT x.4, path), arrayLastIndex(x -> NOT x.4, path), touches)"
    ),
    "linear": "arrayMap(i -> intDiv({whole:Int64} * i, touches), arrayEnumerate(path))",
    "position": (
        "arrayMap(i -> multiIf(i = touches, {whole:Int64}, touches = 2, intDiv({whole:Int64}, 2),"
        " intDiv({whole:Int64} * 2, 5) + intDiv(intDiv({whole:Int64}, 5) * (i - 1), greatest(touches - 2, 1))),"
        " arrayEnumerate(path))"
    ),
    "time_decay": (
        f"arrayMap((sum, i) -> if(i = touches, {{whole:Int64}}, toInt64(floor({{whole:Int64}} * sum / arraySum({_DECAYED})))),"
        f" arrayCumSum({_DECAYED}), arrayEnumerate(path))"
    ),
}
"""How much is due up to each touch, of the whole. 40 % each to the first and the last by position, the rest to those between."""
