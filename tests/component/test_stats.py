"""Statistics against a count by hand, over every metric, grouping, filter and time zone."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from clickhouse.client import Client
from clickhouse.stats import Group, Metric, StatsQuery, answer, source_of
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS
from tests.migrated import migrate

BEGIN = int(datetime(2026, 3, 6, 23, 0, tzinfo=UTC).timestamp() * 1000)
END = BEGIN + 5 * 86_400_000
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
"""New York's clocks go forward on 2026-03-08; Kathmandu's are 5:45 ahead."""


class Row(NamedTuple):
    site_id: str
    event: str
    ts: int
    visitor_id: str
    user_id: str
    session_id: str
    country: str
    device_type: str
    bot: bool
    revenue: Decimal
    currency: str


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    dice = random.Random(11)
    return [_row(dice) for _ in range(3000)]


def _row(dice: random.Random) -> Row:
    visitor = f"v{dice.randrange(60)}"
    paid = dice.random() < 0.2
    return Row(
        site_id=dice.choice(["shop", "shop", "other"]),
        event=dice.choice(["page_view", "purchase", "signup"]),
        ts=BEGIN - 3_600_000 + dice.randrange(5 * 86_400_000 + 7_200_000),
        visitor_id=visitor,
        user_id=dice.choice(["", f"u-{visitor}"]),
        session_id=dice.choice(["", "", f"s-{visitor}-{dice.randrange(3)}"]),
        country=dice.choice(["DE", "US", ""]),
        device_type=dice.choice(["desktop", "mobile"]),
        bot=dice.random() < 0.1,
        revenue=Decimal(dice.randrange(1, 10**7)) / 10_000 if paid else Decimal(0),
        currency="EUR" if paid else "",
    )


@pytest.fixture
def store(clickhouse: str, rows: list[Row]) -> Iterator[Client]:
    client = Client(clickhouse)
    migrate(client)
    _fill(client, rows)
    yield client
    client.close()


def _fill(client: Client, rows: list[Row]) -> None:
    columns = (
        "site_id, event, ts, visitor_id, user_id, session_id, country, device_type, bot, revenue, currency, event_id"
    )
    values = ", ".join(
        f"('{r.site_id}', '{r.event}', fromUnixTimestamp64Milli({r.ts}), '{r.visitor_id}', '{r.user_id}', '{r.session_id}',"
        f" '{r.country}', '{r.device_type}', {r.bot}, {r.revenue}, '{r.currency}', '{UUID(int=i)}')"
        for i, r in enumerate(rows)
    )
    client.command(f"INSERT INTO events ({columns}) VALUES {values}")
    client.command(
        "INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, bots, revenue)"
        " SELECT site_id, toStartOfMinute(ts) AS m, event, country, device_type, currency, count(), countIf(bot), sum(revenue)"
        " FROM events GROUP BY site_id, m, event, country, device_type, currency"
    )


def _bucket(row: Row, group: str | None, zone: str) -> Any:
    if group in ("country", "device_type", "event"):
        return getattr(row, group)
    if group is None:
        return ""
    at = datetime.fromtimestamp(row.ts / 1000, UTC).astimezone(ZoneInfo(zone))
    at = at.replace(second=0, microsecond=0)
    if group in ("hour", "day", "week"):
        at = at.replace(minute=0)
    if group in ("day", "week"):
        at = at.replace(hour=0, fold=0)
    if group == "week":
        at = (at.replace(tzinfo=None) - timedelta(days=at.weekday())).replace(tzinfo=ZoneInfo(zone))
    return int(at.timestamp() * 1000)


def _sessions(rows: list[Row]) -> dict[Row, Any]:
    by_visitor: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_visitor[row.visitor_id].append(row)
    found: dict[Row, Any] = {}
    for visitor, own in by_visitor.items():
        number, last = 0, None
        for row in sorted((r for r in own if not r.session_id), key=lambda r: r.ts):
            number += last is not None and row.ts - last > 1_800_000
            last = row.ts
            found[row] = (visitor, number)
    return found | {row: row.session_id for row in rows if row.session_id}


def _by_hand(rows: list[Row], query: StatsQuery) -> tuple[Any, dict[Any, Any]]:
    own = [r for r in rows if r.site_id == query.site_id and query.start_ms <= r.ts < query.end_ms]
    sessions = _sessions(own)
    kept = [
        r
        for r in own
        if (not query.events or r.event in query.events)
        and (not query.countries or r.country in query.countries)
        and (not query.device_types or r.device_type in query.device_types)
        and (query.bots == "include" or not r.bot)
    ]
    measure: dict[str, Callable[[list[Row]], Any]] = {
        "event_count": len,
        "revenue": lambda part: sum((r.revenue for r in part), Decimal(0)),
        "unique_users": lambda part: len({r.user_id or ("visitor", r.visitor_id) for r in part}),
        "unique_sessions": lambda part: len({sessions[r] for r in part}),
    }
    parts: dict[Any, list[Row]] = defaultdict(list)
    for row in kept:
        parts[_bucket(row, query.group_by, query.timezone)].append(row)
    value = measure[query.metric]
    return value(kept), {key: value(part) for key, part in parts.items()} if query.group_by else {}


def _questions() -> list[StatsQuery]:
    filters: list[dict[str, Any]] = [
        {},
        {"events": ("purchase",)},
        {"countries": ("DE", ""), "bots": "exclude"},
        {"events": ("page_view", "signup"), "countries": ("US",), "device_types": ("mobile",)},
        {"start_ms": BEGIN + 12_345},
        {"events": ("it's \\ nothing",)},
    ]
    groups = (None, *get_args(Group))
    return [
        StatsQuery(
            **({"site_id": "shop", "start_ms": BEGIN, "end_ms": END} | some),
            metric=metric,
            group_by=group,
            timezone=zone,
        )
        for metric, group, some, zone in product(get_args(Metric), groups, filters, ZONES)
        if zone == "UTC" or group in ("hour", "day", "week")
    ]


def test_every_answer_is_that_of_a_count_by_hand(store: Client, rows: list[Row]) -> None:
    for query in _questions():
        got = answer(store, query, END)
        assert (got.value, dict(got.breakdown)) == _by_hand(rows, query), query


def test_counts_of_whole_minutes_come_from_the_aggregates(store: Client) -> None:
    whole = StatsQuery("shop", "event_count", BEGIN, END, "hour")
    assert source_of(whole) == "metrics_minute"
    assert answer(store, whole, END).source == "metrics_minute"
    for other in (
        StatsQuery("shop", "event_count", BEGIN + 1, END, "hour"),
        StatsQuery("shop", "unique_users", BEGIN, END),
        StatsQuery("shop", "revenue", BEGIN, END, bots="exclude"),
    ):
        assert source_of(other) == "events"


def test_counts_of_many_days_come_from_the_days_of_pages(store: Client) -> None:
    whole = StatsQuery("shop", "event_count", BEGIN + 1, END, "day")
    for asked in (whole, replace(whole, bots="exclude", events=("purchase",)), replace(whole, group_by="event")):
        assert answer(store, asked, END).source == "pages"
    shorter = replace(whole, end_ms=BEGIN + 3 * 86_400_000)
    for other in (shorter, replace(whole, timezone="Asia/Kathmandu"), replace(whole, countries=("DE",))):
        assert source_of(other) != "pages"


def test_users_of_whole_days_are_told_by_who_was_there(store: Client) -> None:
    asked = StatsQuery("shop", "unique_users", BEGIN + 12_345, END - 12_345)
    sources = {
        "activity": (
            asked,
            replace(asked, events=("purchase",)),
            replace(asked, bots="exclude"),
            replace(asked, group_by="day"),
            replace(asked, group_by="week", events=("purchase",)),
        ),
        "events": (
            replace(asked, end_ms=BEGIN + 3 * 86_400_000),
            replace(asked, group_by="hour"),
            replace(asked, group_by="day", timezone="Asia/Kathmandu"),
            replace(asked, group_by="day", end_ms=asked.start_ms + 120 * 86_400_000),
            replace(asked, countries=("DE",)),
            replace(asked, events=("purchase", "signup")),
            replace(asked, events=("",)),
        ),
    }
    for source, questions in sources.items():
        assert [answer(store, each, END).source for each in questions] == [source] * len(questions)


def test_events_and_minutes_agree(store: Client) -> None:
    until = END + 60 * MINUTE_MS
    later = answer(store, StatsQuery("shop", "event_count", 1, until, "country"), END)
    whole = answer(store, StatsQuery("shop", "event_count", 0, until, "country"), END)
    assert (later.source, whole.source) == ("events", "metrics_minute")
    assert later.breakdown == whole.breakdown


def test_revenue_in_several_currencies_is_not_added_up(store: Client) -> None:
    store.command(
        "INSERT INTO events (site_id, ts, revenue, currency) VALUES ('shop', fromUnixTimestamp64Milli(5000), 1, 'USD')"
    )
    with pytest.raises(QueryError, match="EUR, USD"):
        answer(store, StatsQuery("shop", "revenue", 1, END), END)
    assert answer(store, StatsQuery("shop", "revenue", 1, END, currency="USD"), END).value == 1
