"""Pages, sources, new visitors, who is there now, and revenue: against counting by hand, and over HTTP."""

import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from api.query.query import QueryResponse
from api.query.reports import NewnessResponse, PagesResponse, RealtimeResponse, SourcesResponse
from clickhouse.client import Client
from clickhouse.reports.filter import NOTHING, Condition, Not
from clickhouse.reports.newness import newness
from clickhouse.reports.pages import pages
from clickhouse.reports.scope import Bots, Scope
from clickhouse.reports.sources import sources
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports import visits
from tests.reports.events import BEGIN, DAY, Event, fill, some

SETS = 50
MINUTE = 60_000
RANGE = {"start_date": str(BEGIN), "end_date": str(BEGIN + 11 * DAY)}
FILTERS = (NOTHING, NOTHING, Condition("country", "eq", ("AT",)), Not(Condition("path", "eq", ("/",))))
FIELDS = ("channel", "utm_source", "referrer_host", "properties.plan")


def _scope(dice: random.Random, number: int) -> Scope:
    start = BEGIN + dice.randrange(5 * DAY)
    bots: Bots = dice.choice(("include", "exclude", "only"))
    return Scope(f"site{number}", start, start + dice.randrange(1, 6 * DAY), "UTC", dice.choice(FILTERS), bots)


@pytest.fixture(scope="module")
def sets() -> dict[int, list[Event]]:
    """Dense sets of events, so that sessions are long; each under a site of its own."""
    found = {}
    for number in range(SETS):
        dice = random.Random(number)
        events = some(dice, 80, days=3)
        found[number] = [structs.replace(each, site_id=f"site{number}") for each in events]
    return found


@pytest.fixture
def client(clickhouse: str, sets: Mapping[int, list[Event]]) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, [event for events in sets.values() for event in events])
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


def test_every_cell_is_what_is_counted_by_hand(client: Client, sets: Mapping[int, list[Event]]) -> None:
    for number, events in sets.items():
        dice = random.Random(number)
        scope = _scope(dice, number)
        whole = replace(scope, start_ms=BEGIN, end_ms=BEGIN + 4 * DAY)
        for asked in (scope, whole):
            found = pages(client, asked, 2)
            rows, total = visits.pages(events, asked)
            _same([*found.pages, found.total], [*rows[:2], total])
            assert found.count == len(rows)
        field = dice.choice(FIELDS)
        told = sources(client, whole, field, 2)
        named, all_ = visits.sources(events, whole, field)
        _same([*told.sources, told.total], [*named[:2], all_])
        assert told.count == len(named)
        assert replace(newness(client, scope), rows_read=0, ms=0.0) == visits.newness(events, scope)


def _same(found: Sequence[Any], wanted: Sequence[Any]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for got, value in zip(astuple(one), astuple(other), strict=True):
            is_number = isinstance(got, int | float) and isinstance(value, int | float)
            assert isclose(got, value, rel_tol=1e-9, abs_tol=1e-9) if is_number else got == value, (one, other)


@pytest.fixture
def shop(client: Client) -> list[Event]:
    """Events of the site that the keys of the tests may read."""
    events = [structs.replace(each, site_id="shop", bot=False) for each in some(random.Random(9), 120)]
    fill(client, events)
    return events


async def _get(api: Api, name: str, **asked: Any) -> Any:
    answered = await api.ask("GET", f"/api/v1/reports/{name}", "reader", params=asked)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_every_report_is_answered_as_it_is_described(api: Api, shop: list[Event]) -> None:
    found = await _get(api, "pages", **RANGE)
    PagesResponse.model_validate(found, strict=True)
    assert found["total"]["views"] == sum(each.event == "page_view" for each in shop)
    found = await _get(api, "sources", by="channel", **RANGE)
    SourcesResponse.model_validate(found, strict=True)
    assert {row["name"] for row in found["sources"]} <= {each.channel for each in shop}
    found = await _get(api, "audience", by="country", limit=2, **RANGE)
    QueryResponse.model_validate(found)
    assert found["totals"]["visitors"] == len({each.visitor_id for each in shop})
    found = await _get(api, "audience/newness", **RANGE)
    NewnessResponse.model_validate(found, strict=True)
    assert (found["new"], found["returning"]) == (len({each.visitor_id for each in shop}), 0)
    found = await _get(api, "revenue", **RANGE)
    QueryResponse.model_validate(found)
    assert isclose(found["totals"]["revenue"], sum(each.revenue for each in shop))
    assert found["totals"]["events"] == sum(each.revenue != 0 for each in shop)


async def test_a_filter_stands_in_the_address_as_json(api: Api, shop: list[Event]) -> None:
    wanted = json.dumps({"field": "country", "op": "eq", "value": "AT"})
    found = await _get(api, "pages", filter=wanted, **RANGE)
    assert found["total"]["views"] == sum(each.event == "page_view" and each.country == "AT" for each in shop)


async def test_who_is_there_now(api: Api, client: Client) -> None:
    now = time.time_ns() // 1_000_000
    ages = [(0, "a", "/a"), (1, "b", "/a"), (4, "a", "/b"), (9, "c", "/c"), (20, "d", "/c"), (45, "e", "/a")]
    fill(
        client,
        [
            Event(event_id=f"{n:032}", ts=now - minutes * MINUTE, visitor_id=visitor, path=path, country="AT")
            for n, (minutes, visitor, path) in enumerate(ages)
        ],
    )
    found = await _get(api, "realtime")
    RealtimeResponse.model_validate(found, strict=True)
    assert (found["visitors"], found["events"]) == (2, 3)
    assert found["pages"] == [{"key": "/a", "visitors": 2, "events": 2}, {"key": "/b", "visitors": 1, "events": 1}]
    assert found["names"] == [{"key": "page_view", "visitors": 2, "events": 3}]
    assert found["countries"] == [{"key": "AT", "visitors": 2, "events": 3}]
    assert len(found["minutes"]) == 30
    assert sum(each["events"] for each in found["minutes"]) == 5
    assert found["minutes"][-1]["time"] % MINUTE == 0


@pytest.mark.parametrize("name", ["pages", "sources", "audience", "audience/newness", "realtime", "revenue"])
async def test_what_is_not_allowed_is_refused(api: Api, name: str) -> None:
    path = f"/api/v1/reports/{name}"
    assert (await api.ask("GET", path, "rival", params={"site_id": "shop"})).status_code == 404
    assert (await api.ask("GET", path, "writer")).status_code == 403
    assert (await api.ask("GET", path, None)).status_code == 401
    for filter_, said in (
        ("{", "filter: is no JSON"),
        ("[]", "filter: must be an object"),
        ('{"field": "nothing", "value": 1}', "filter.field: there is no field 'nothing'"),
        ("[" * 5_000, "filter: "),
        ('{"field": "path", "op": "matches", "value": "("}', ""),
    ):
        answered = await api.ask("GET", path, "reader", params={"filter": filter_})
        assert answered.status_code == 400 or not said, (name, filter_, answered.text)
        assert said in answered.text
    assert (await api.ask("GET", path, "reader", params={"by": "ip"})).status_code == 400
