"""Statistics of a site: how many events, users and sessions, how much revenue, by time or by a dimension.

Counts come from the minute aggregates where these are exact, else from the events. Neither looks for
repetitions: those within the window of deduplication are removed before they are stored.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from clickhouse.client import Answer, Client, text_of
from clickhouse.reports.activity import Activity, ask
from clickhouse.reports.daybits import DAY_MS
from clickhouse.reports.formula import Value
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import Happening
from clickhouse.reports.metric import Source
from clickhouse.reports.query import LONG_MS
from clickhouse.reports.query_statement import TIMES as BUCKETS
from clickhouse.reports.query_statement import summed
from clickhouse.reports.scope import Scope, who_of
from clickhouse.reports.statement import text_of as report
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS

Metric = Literal["event_count", "unique_users", "unique_sessions", "revenue"]
Group = Literal["minute", "hour", "day", "week", "country", "device_type", "event"]
OfRisk = Literal["network", "bot_kind", "risk_band"]
"""Groups that the planner of counts alone answers."""
Bots = Literal["include", "exclude"]

TIMES = ("minute", "hour", "day", "week")
SESSIONS = "stats/sessions"
OF_RISK: tuple[OfRisk, ...] = get_args(OfRisk)
LONGEST = 200
"""How many values of a dimension an answer lists, the largest first."""

COUNTED = ("event_count", "revenue")
BY_DAYS = (None, "day", "week", "event")
"""Groups that can be told of whole days of UTC."""
OF_DAYS: Mapping[str, tuple[int, int]] = {"day": (DAY_MS, 0), "week": (7 * DAY_MS, 4 * DAY_MS)}
"""How long such buckets are in ms, and when one of them begins."""
MOST_BUCKETS = 100
"""Of more the events are asked: who was there in which of them takes a bit each."""


@dataclass(frozen=True)
class StatsQuery:
    """A question about one site; the range is `start_ms` ≤ time < `end_ms`, and an empty filter lets all pass."""

    site_id: str
    metric: Metric
    start_ms: int
    end_ms: int
    group_by: Group | OfRisk | None = None
    events: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    timezone: str = "UTC"
    bots: Bots = "include"
    currency: str = ""
    people: str = ""
    """The dictionary of who is behind the site's visitors, empty where nobody was identified."""


@dataclass(frozen=True)
class StatsAnswer:
    """The whole, and its parts: a time in ms (the bucket's beginning) or a dimension's value, each with its own value.

    Buckets without events are not listed. `source` is the table that was read.
    """

    value: Value
    breakdown: tuple[tuple[int | str, Value], ...]
    source: str
    rows_read: int
    ms: float


def answer(client: Client, query: StatsQuery, now_ms: int) -> StatsAnswer:
    """Answer a question; raises QueryError for revenue in several currencies, and as the client does."""
    activity = activity_of(query)
    if activity is not None:
        return _were_there(client, query, activity, now_ms)
    source = source_of(query)
    parts = _ask(client, query, source, query.group_by or "")
    whole = parts if query.group_by is None or query.metric in COUNTED else _ask(client, query, source, "")
    values = _values(query, parts)
    return StatsAnswer(
        value=sum(_values(query, whole).values()) or _nothing(query),
        breakdown=_breakdown(query, values) if query.group_by else (),
        source=source,
        rows_read=parts.rows_read + (whole.rows_read if whole is not parts else 0),
        ms=parts.ms + (whole.ms if whole is not parts else 0),
    )


def source_of(query: StatsQuery) -> Source:
    """The table that answers exactly at the least cost."""
    if _is_of_days(query):
        return "pages"
    whole_minutes = query.start_ms % MINUTE_MS == 0 and query.end_ms % MINUTE_MS == 0
    bots_told = query.bots == "include" or (query.metric == "event_count" and not query.currency)
    return "metrics_minute" if query.metric in COUNTED and whole_minutes and bots_told else "events"


def _is_of_days(query: StatsQuery) -> bool:
    """Whether how often each event happened on each day is all that is asked for, of so many days that these are fewer rows."""
    is_of_some = query.countries or query.device_types or query.currency
    is_utc = query.timezone == "UTC" or query.group_by not in TIMES
    is_long = query.end_ms - query.start_ms >= LONG_MS
    return query.metric == "event_count" and query.group_by in BY_DAYS and is_utc and is_long and not is_of_some


def activity_of(query: StatsQuery) -> Activity | None:
    """Whom a question counts, where it is enough to know who was there on which days."""
    is_of_some = query.countries or query.device_types or query.currency or len(query.events) > 1 or "" in query.events
    is_long = query.end_ms - query.start_ms >= LONG_MS
    buckets = _buckets(query)
    if query.metric != "unique_users" or is_of_some or not is_long or not 0 < len(buckets) <= MOST_BUCKETS:
        return None
    scope = Scope(query.site_id, query.start_ms, query.end_ms, query.timezone, bots=query.bots, people=query.people)
    grid = Grid((query.start_ms, *buckets[1:], query.end_ms))
    return Activity(scope, "users", grid, False, Happening("".join(query.events)))


def _buckets(query: StatsQuery) -> list[int]:
    """When the buckets begin that are whole days of UTC, in ms; one where there are no groups, none where they are others."""
    if query.group_by is None:
        return [query.start_ms]
    length, monday = OF_DAYS.get(query.group_by, (0, 0))
    first = (query.start_ms - monday) // length * length + monday if length else -1
    return list(range(first, query.end_ms, length)) if first >= 0 and query.timezone == "UTC" else []


def _were_there(client: Client, query: StatsQuery, activity: Activity, now_ms: int) -> StatsAnswer:
    found, source = ask(
        client, activity.scope.parameters(), lambda rows: report("there", activity=rows), now_ms, activity
    )
    units, buckets = {int(number): int(count) for number, count in found.rows}, _buckets(query)
    parts = tuple((begin, units[n]) for n, begin in enumerate(buckets, 1) if units.get(n)) if query.group_by else ()
    return StatsAnswer(units.get(0, 0), parts, source, found.rows_read, found.ms)


def _ask(client: Client, query: StatsQuery, source: Source, group: str) -> Answer:
    return client.ask(
        _statement(query, source),
        {
            "site": query.site_id,
            "start": query.start_ms,
            "end": query.end_ms,
            "group": group,
            "timezone": query.timezone,
            "events": list(query.events),
            "countries": list(query.countries),
            "devices": list(query.device_types),
            "bots": query.bots,
            "currency": query.currency,
        },
    )


def _statement(query: StatsQuery, source: Source) -> str:
    if query.metric in COUNTED:
        return _counts(query, source)
    return report("users", who=who_of("users", query.people)) if query.metric == "unique_users" else text_of(SESSIONS)


def _counts(query: StatsQuery, source: Source) -> str:
    """Of rows that are events, or sums of such."""
    is_money, without = query.metric == "revenue", query.bots == "exclude"
    of_sums = f"toInt64(sum(counted.events)){' - toInt64(sum(counted.bots))' if without else ''}"
    passes = [f"{field} IN {{{name}:Array(String)}}" for field, name in _named(query)]
    passes += ["counted.currency = {currency:String}"] if query.currency else []
    passes += ["NOT counted.bot"] if without and source == "events" else []
    return report(
        "counts",
        key=_key(query.group_by),
        n="count()" if source == "events" else of_sums,
        money="sum(counted.revenue)" if is_money else "0",
        currencies="groupUniqArrayIf(toString(counted.currency), counted.revenue != 0)" if is_money else "[]",
        rows=report("ranged") if source == "events" else summed(source, ()),
        passes=" AND ".join(passes) or "1",
    )


def _key(group: Group | OfRisk | None) -> str:
    """What tells the parts of an answer apart: the second at which one begins, or a dimension's value."""
    if group in TIMES:
        return f"toUnixTimestamp({BUCKETS[group]})"  # type: ignore[index]
    return f"counted.{group}" if group else "''"


def _named(query: StatsQuery) -> Iterator[tuple[str, str]]:
    """The fields of which values are named, and the parameters that name them."""
    if query.events:
        yield "counted.event", "events"
    if query.countries:
        yield "counted.country", "countries"
    if query.device_types:
        yield "counted.device_type", "devices"


def _values(query: StatsQuery, found: Answer) -> dict[str, int | Decimal]:
    if query.metric != "revenue":
        return {row[0]: row[1] for row in found.rows}
    currencies = sorted({currency for row in found.rows for currency in row[3]})
    if len(currencies) > 1:
        named = ", ".join(name or "none" for name in currencies)
        raise QueryError(f"the revenue is in several currencies ({named}): choose one with currency=…")
    return {row[0]: row[2] for row in found.rows}


def _nothing(query: StatsQuery) -> int | Decimal:
    return Decimal(0) if query.metric == "revenue" else 0


def _breakdown(query: StatsQuery, values: dict[str, int | Decimal]) -> tuple[tuple[int | str, int | Decimal], ...]:
    if query.group_by in TIMES:
        return tuple(sorted((int(key) * 1000, value) for key, value in values.items()))
    return tuple(sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:LONGEST])
