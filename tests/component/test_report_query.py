"""The planner against counting by hand, over random events; and its route."""

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from math import isclose
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from api.query.bucket import begins
from api.query.query import EXAMPLE, QueryResponse
from clickhouse.client import Client
from clickhouse.reports.field import field_of
from clickhouse.reports.filter import NOTHING, AnyOf, Condition, Filter, Not
from clickhouse.reports.formula import formula_of
from clickhouse.reports.metric import metric_of
from clickhouse.reports.query import Answer, Compared, Question, answer, source_of
from clickhouse.reports.query_statement import Granularity, Order
from clickhouse.reports.query_told import Told
from clickhouse.reports.scope import Bots, Scope
from pulse.errors import QueryError
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill, some
from tests.reports.query import Expected, Refused, expected

SETS = 160
HOUR = 3_600_000
MINUTE = 60_000
METRICS = (
    *("events", "users", "visitors", "sessions", "revenue", "pageviews", "bounce_rate", "session_duration"),
    *("views_per_session", "conversion_rate", "sum:revenue", "avg:revenue", "median:revenue", "max:revenue"),
    *(
        "sum:properties.price",
        "min:properties.price",
        "p90:properties.price",
        "avg:properties.plan",
        "p99:properties.price",
    ),
)
COUNTED = ("events", "revenue", "pageviews", "sum:revenue")
FIELDS = (
    "country",
    "device_type",
    "event",
    "browser",
    "path",
    "currency",
    "bot",
    "properties.plan",
    "properties.price",
)
IN_MINUTES = ("country", "device_type", "event")
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
FILTERS: tuple[Filter, ...] = (
    *(NOTHING, NOTHING, Condition("country", "eq", ("AT", "US")), Not(Condition("event", "eq", ("page_view",)))),
    AnyOf((Condition("properties.price", "gt", (1.0,)), Condition("device_type", "eq", ("mobile",)))),
)


def _question(dice: random.Random, number: int) -> Question:
    """A random question about a random data set; one in three may be answered from the minute aggregates."""
    is_simple = dice.random() < 0.35
    metrics = tuple(dice.sample(COUNTED if is_simple else METRICS, dice.randrange(1, 4 if is_simple else 6)))
    fields = tuple(dice.sample(IN_MINUTES if is_simple else FIELDS, dice.choice((0, 1, 1, 2, 3))))
    granularity: Granularity = dice.choice(("none", "none", "minute", "hour", "day", "week", "month"))
    zone = ZoneInfo(dice.choice(ZONES))
    days = {"minute": 0.05, "hour": 1.5}.get(granularity, 6)
    unit = MINUTE if dice.random() < 0.8 else 1
    start = BEGIN + dice.randrange(6 * DAY) // unit * unit
    end = start + max(int(days * DAY * dice.random()), MINUTE) // unit * unit
    bots: Bots = dice.choice(("include", "include", "exclude", "only"))
    filters = FILTERS[:4] if is_simple else FILTERS
    names = frozenset(metrics)
    texts = {"share": "events / users", "twice": "2 * (events - 1)"}
    wanted = [name for name, text in texts.items() if all(m in names for m in ("events", "users") if m in text)]
    formulas = tuple(formula_of(name, texts[name], names, "formulas") for name in wanted)
    orders = [*(name for name in metrics if ":" not in name and "session" not in name), *fields, *wanted]
    order = Order(dice.choice(orders), dice.random() < 0.5) if orders and fields else None
    if order is None and fields and metrics[0] not in COUNTED:
        order = Order(fields[0], False)
    before = start - dice.choice((end - start, 2 * DAY // unit * unit))
    scope = Scope(f"site{number}", start, end, zone.key, dice.choice(filters), bots)
    return Question(
        scope=scope,
        metrics=tuple(metric_of(name, "metrics") for name in metrics),
        breakdown=tuple(field_of(name, "breakdown") for name in fields),
        granularity=granularity,
        times=_times(granularity, start, end, zone),
        formulas=formulas,
        order=order,
        limit=dice.choice((1, 2, 3, 100)),
        target_event="purchase",
        compared=Compared(before, before + end - start, _times(granularity, before, before + end - start, zone))
        if dice.random() < 0.4
        else None,
    )


def _of_pages(number: int, like: Question) -> Question:
    """A question about the same range that days of pages may answer."""
    dice = random.Random(2_000 + number)
    narrowed = dice.choice((NOTHING, Condition("path", "eq", ("/a",)), Not(Condition("event", "eq", ("page_view",)))))
    return replace(
        like,
        scope=replace(like.scope, filter=narrowed),
        metrics=tuple(
            metric_of(name, "metrics") for name in dice.sample(("events", "pageviews"), dice.randrange(1, 3))
        ),
        breakdown=tuple(field_of(name, "breakdown") for name in ("path", *dice.sample(("event",), dice.randrange(2)))),
        granularity="none",
        times=(),
        formulas=(),
        order=None,
        compared=like.compared and replace(like.compared, times=()),
    )


def _times(granularity: str, start: int, end: int, zone: ZoneInfo) -> tuple[int, ...]:
    return () if granularity == "none" else tuple(begins(granularity, start, end, zone))


def _events(dice: random.Random, number: int) -> list[Event]:
    """A data set under a site of its own; in one of four, some of the money is in dollars."""
    events = []
    for event in some(dice, dice.choice((5, 20, 60))):
        site = f"site{number}" if event.site_id == "shop" else "other"
        currency = "USD" if event.currency and number % 4 == 0 and dice.random() < 0.4 else event.currency
        events.append(structs.replace(event, site_id=site, currency=currency))
    return events


@pytest.fixture(scope="module")
def sets() -> dict[int, list[Event]]:
    return {number: _events(random.Random(number), number) for number in range(SETS)}


@pytest.fixture
def client(clickhouse: str, sets: Mapping[int, list[Event]]) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, [event for events in sets.values() for event in events])
    made.command(
        "INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, bots, revenue)"
        " SELECT site_id, toStartOfMinute(ts) AS m, event, country, device_type, currency, count(), countIf(bot), sum(revenue)"
        " FROM events GROUP BY site_id, m, event, country, device_type, currency"
    )
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Api]:
    """An API without a ClickHouse: what is refused is refused before it is asked."""
    async with querying(settings_of(tmp_path)) as made:
        yield made


def test_every_cell_is_what_is_counted_by_hand(client: Client, sets: Mapping[int, list[Event]]) -> None:
    sources = set()
    asked = [(number, _question(random.Random(1_000 + number), number)) for number in sets]
    for number, question in (*asked, *((number, _of_pages(number, question)) for number, question in asked[::4])):
        events = sets[number]
        sources.add(source_of(question))
        try:
            now, before = _by_hand(events, question)
        except Refused:
            with pytest.raises(QueryError, match=r"several currencies|takes numbers"):
                answer(client, question)
            continue
        found = answer(client, question)
        _same(found.now, now, question)
        if before is not None:
            assert found.before is not None
            _same(found.before, before, question)
    assert sources == {"events", "metrics_minute", "pages"}


def _by_hand(events: list[Event], question: Question) -> tuple[Expected, Expected | None]:
    now = expected(events, question, question.scope.start_ms, question.scope.end_ms)
    if question.compared is None:
        return now, None
    places = list(dict.fromkeys(keys for _, keys, _ in now.rows)) if question.breakdown else []
    return now, expected(events, question, question.compared.start_ms, question.compared.end_ms, places)


def _same(found: Told, by_hand: Expected, question: Question) -> None:
    for rows, wanted in ((found.rows, by_hand.rows), (found.rest, by_hand.rest)):
        assert [(row.time, row.keys) for row in rows] == [(time, keys) for time, keys, _ in wanted], question
        for row, (_, _, values) in zip(rows, wanted, strict=True):
            _equal(row.values, values, question)
    _equal(found.totals, by_hand.totals, question)
    assert found.groups == by_hand.groups, question


def _equal(found: Mapping[str, Any], wanted: Mapping[str, Any], question: Question) -> None:
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        got = found[name]
        if value is None or got is None:
            assert got is value, (name, found, wanted, question)
        else:
            assert isclose(float(got), float(value), rel_tol=1e-9, abs_tol=1e-9), (name, found, wanted, question)


def test_all_tables_tell_the_same(client: Client, sets: Mapping[int, list[Event]]) -> None:
    scope = Scope("site1", BEGIN, BEGIN + 9 * DAY)
    for bots in ("include", "exclude", "only"):
        for fields in ((), ("country",), ("event", "device_type")):
            question = Question(
                replace(scope, bots=bots),
                (metric_of("events", ""), metric_of("pageviews", "")),
                tuple(field_of(name, "") for name in fields),
            )
            assert source_of(question) == ("metrics_minute" if fields else "pages")
            unlike = replace(question, metrics=(*question.metrics, metric_of("visitors", "")))
            sums, events = answer(client, question), answer(client, unlike)
            assert events.source == "events"
            assert _counts(sums) == _counts(events)


def test_pages_are_counted_by_days_in_whole_and_the_rest_of_the_range_by_events(client: Client) -> None:
    for bots in ("include", "exclude", "only"):
        for start, end in ((BEGIN, BEGIN + 9 * DAY), (BEGIN + 5 * HOUR, BEGIN + 7 * DAY + 1), (BEGIN, BEGIN + HOUR)):
            scope = Scope("site1", start, end, bots=bots, filter=Condition("event", "ne", ("signup",)))
            metrics = (metric_of("events", ""), metric_of("pageviews", ""))
            question = Question(scope, metrics, (field_of("path", ""), field_of("event", "")))
            unlike = replace(question, metrics=(*metrics, metric_of("visitors", "")))
            days, events = answer(client, question), answer(client, unlike)
            assert (days.source, events.source) == ("pages", "events")
            assert _counts(days) == _counts(events)


def test_days_are_not_counted_from_the_events(client: Client) -> None:
    """The projection answers for them."""
    client.command(
        "INSERT INTO events (site_id, event, ts, path) SELECT 'many', 'page_view', toDateTime(1772500000 + number), '/a' FROM numbers(50000)"
    )
    question = Question(
        Scope("many", BEGIN - 100 * DAY, BEGIN + 100 * DAY), (metric_of("pageviews", ""),), (field_of("path", ""),)
    )
    found = answer(client, question)
    assert found.now.totals["pageviews"] == 50_000
    assert found.rows_read < 100


def test_the_store_finds_no_bucket_but_those_that_are_filled_with_zeros(client: Client) -> None:
    moments = [BEGIN + step * 5 * HOUR for step in range(1_900)]
    fill(client, [Event(site_id="calendar", event_id=f"{n:032}", ts=ms) for n, ms in enumerate(moments)])
    for zone in ("UTC", "America/New_York", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe"):
        for granularity in ("hour", "day", "week", "month"):
            times = _times(granularity, BEGIN, moments[-1] + 1, ZoneInfo(zone))
            scope = Scope("calendar", BEGIN, moments[-1] + 1, zone)
            metrics = (metric_of("events", ""), metric_of("visitors", ""))
            found = answer(client, Question(scope, metrics, granularity=granularity, times=times)).now
            assert [row.time for row in found.rows] == list(times), (zone, granularity)
            assert sum(int(str(row.values["events"])) for row in found.rows) == len(moments)


def _counts(found: Answer) -> list[tuple[Any, ...]]:
    return [(row.keys, row.values["events"], row.values["pageviews"]) for row in found.now.rows]


QUESTION: dict[str, Any] = {
    "start_date": str(BEGIN),
    "end_date": str(BEGIN + 10 * DAY),
    "timezone": "America/New_York",
    "metrics": ["events", "users", "sessions", "revenue", "bounce_rate"],
    "breakdown": ["country"],
    "granularity": "day",
    "formulas": [{"name": "per_user", "formula": "events / users"}],
    "compare": "previous",
    "order_by": "-per_user",
    "limit": 2,
}


async def _ask(api: Api, key: str = "reader", **body: Any) -> Any:
    return await api.ask("POST", "/api/v1/query", key, json=body)


@pytest.fixture
def shop(client: Client) -> list[Event]:
    """Events of the site that the keys of the tests may read."""
    events = [structs.replace(event, site_id="shop") for event in some(random.Random(9), 120)]
    fill(client, events)
    return events


async def test_an_answer_has_the_form_that_is_described(api: Api, shop: list[Event]) -> None:
    QueryResponse.model_validate(EXAMPLE)
    answered = await _ask(api, **QUESTION)
    assert answered.status_code == 200, answered.text
    body = answered.json()
    QueryResponse.model_validate(body)
    assert body["totals"]["events"] == len(shop)
    assert body["totals"]["events"] == sum(row["metrics"]["events"] for part in ("rows", "rest") for row in body[part])
    assert body["meta"]["exact"] is True
    assert body["meta"]["source"] == "events"
    assert body["meta"]["groups"] == 3
    assert body["previous"]["totals"]["events"] == 0
    assert body["previous"]["change"]["events"] is None
    assert len(body["rows"]) == 2 * len({row["time"] for row in body["rows"]})
    assert all(sooner["time"] < later["time"] for sooner, later in pairwise(body["rest"]))


async def test_a_key_sees_its_site_alone(api: Api, shop: list[Event]) -> None:
    question: dict[str, Any] = {"metrics": ["events"], "start_date": str(BEGIN), "end_date": str(BEGIN + 10 * DAY)}
    of_minutes = {**question, "breakdown": ["country"]}
    assert (await _ask(api, **of_minutes)).json()["totals"][
        "events"
    ] == 0  # from the minute aggregates, which lack them
    assert (await _ask(api, "rival_reader", **question)).json()["totals"]["events"] == 0
    question["metrics"] = ["visitors"]
    assert (await _ask(api, **question)).json()["totals"]["visitors"] == len({each.visitor_id for each in shop})
    assert (await _ask(api, "rival_reader", **question)).json()["totals"]["visitors"] == 0
    assert (await _ask(api, "rival", site_id="shop", **question)).status_code == 404
    assert (await _ask(api, "writer", **question)).status_code == 403
    assert (await api.ask("POST", "/api/v1/query", None, json=question)).status_code == 401


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metrics": ["clicks"]}, "metrics[0]: there is no metric 'clicks'"),
        ({"metrics": ["events"] * 2}, "metrics: names events twice"),
        ({"metrics": [f"sum:properties.p{n}" for n in range(11)]}, "metrics: List should have at most 10"),
        ({"metrics": []}, "metrics: List should have at least 1"),
        ({"metrics": ["sum:country"]}, "metrics[0]: sum takes numbers"),
        ({"metrics": ["sum:"]}, "metrics[0]: there is no field ''"),
        ({"metrics": ["conversion_rate"]}, "target_event: goes together with"),
        ({"breakdown": ["countries"]}, "breakdown[0]: there is no field 'countries'"),
        ({"breakdown": ["country", "city", "os", "event"]}, "breakdown: List should have at most 3"),
        ({"granularity": "second"}, "granularity: Input should be"),
        ({"start_date": "2016-01-01", "granularity": "minute"}, "granularity: would make more than 10,000 buckets"),
        ({"granularity": "hour", "limit": 1_000}, "limit: 1,000 groups of"),
        ({"limit": 10_001}, "limit: Input should be less than or equal to 10000"),
        ({"order_by": "price"}, "order_by: price is none of events"),
        ({"order_by": "events", "breakdown": []}, "order_by: orders groups"),
        ({"formulas": [{"name": "a", "formula": "events / nobody"}]}, "formulas[0].formula: nobody is none"),
        ({"formulas": [{"name": "a", "formula": "events ** 2"}]}, "takes numbers, metrics"),
        ({"formulas": [{"name": "a", "formula": "events("}]}, "is no formula"),
        ({"formulas": [{"name": "events", "formula": "1"}]}, "formulas[0].name: events is the name of another"),
        ({"filter": {"field": "nothing", "value": "1"}}, "filter.field: there is no field 'nothing'"),
        ({"compare": "yesterday"}, "compare"),
        ({"compare": {"start_date": "2026-02-02", "end_date": "2026-02-01"}}, "end_date: the end must lie after"),
        ({"metric": "events"}, "metric: Extra inputs are not permitted"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_place(bare: Api, changed: dict[str, Any], said: str) -> None:
    question = QUESTION | {"metrics": ["events"], "formulas": [], "order_by": None} | changed
    answered = await _ask(bare, **question)
    assert answered.status_code == 400, answered.text
    assert said in answered.json()["detail"]


@pytest.mark.parametrize("pattern", ["(a", "[", "*", "(?<=a)b", "(a)\\1", "(a{1,1000}){1,1000}"])
async def test_an_expression_that_cannot_be_used_is_refused(api: Api, shop: list[Event], pattern: str) -> None:
    wrong = {"field": "path", "op": "matches", "value": pattern}
    answered = await _ask(api, **QUESTION | {"filter": wrong})
    assert answered.status_code == 400, answered.text
    assert "filter: a regular expression cannot be used" in answered.json()["detail"]


async def test_a_property_that_is_never_a_number_cannot_be_added_up(api: Api, client: Client) -> None:
    fill(client, [Event(event_id=f"{n:032}", ts=BEGIN + n, properties='{"plan": "pro"}') for n in range(3)])
    answered = await _ask(
        api, **QUESTION | {"metrics": ["events", "sum:properties.plan"], "formulas": [], "order_by": None}
    )
    assert answered.status_code == 400
    assert "metrics[1]: sum:properties.plan takes numbers, and the property is none" in answered.json()["detail"]


@pytest.mark.parametrize("trick", ["'", "\\", "{p0:String}", "a.b'; DROP TABLE events", "\x00", "👩‍👩‍👧", "%s", "d0"])
async def test_names_are_never_taken_for_the_statement(api: Api, shop: list[Event], trick: str) -> None:
    answered = await _ask(
        api,
        **QUESTION
        | {
            "metrics": ["events", f"sum:properties.{trick.replace('.', '')}", "conversion_rate"],
            "breakdown": [f"properties.{trick.replace('.', '')}"],
            "target_event": trick,
            "formulas": [],
            "order_by": "-events",
            "filter": {"field": "path", "op": "ne", "value": trick},
        },
    )
    assert answered.status_code == 200, answered.text
    assert answered.json()["totals"]["events"] == len(shop)
