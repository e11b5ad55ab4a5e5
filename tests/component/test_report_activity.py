"""Lifecycle, stickiness and active people against a reference by hand, over random events; and what is refused over HTTP."""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from api.query import lifecycle as lifecycle_route
from api.query import stickiness as stickiness_route
from api.query.bucket import begins
from clickhouse.client import Client
from clickhouse.reports import lifecycle, stickiness
from clickhouse.reports.activity import Activity
from clickhouse.reports.filter import NOTHING, Condition, Filter, Not
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.scope import Bots, Scope
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports import activity
from tests.reports.events import BEGIN, DAY, Event, fill, some

SETS = 40
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Vienna")
HAPPENINGS = (ANYTHING, Happening("page_view"), Happening("", Condition("properties.plan", "eq", ("pro",))))
FILTERS: tuple[Filter, ...] = (NOTHING, NOTHING, Not(Condition("path", "eq", ("/",))))
LATER = BEGIN + 400 * DAY


def _events() -> dict[str, list[Event]]:
    """Sets over some days or some weeks, each under a site of its own."""
    dice = random.Random(21)
    return {
        f"set{n}": [
            structs.replace(event, site_id=f"set{n}")
            for event in some(dice, dice.choice((12, 40, 90)), dice.choice((10, 25)))
        ]
        for n in range(SETS)
    }


EVENTS = _events()


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    fill(made, [event for events in EVENTS.values() for event in events])
    fill(made, [structs.replace(event, site_id="shop") for event in EVENTS["set0"] + EVENTS["set1"]])
    yield made
    made.close()


def scoped(dice: random.Random, site: str, interval: str) -> tuple[Scope, list[int]]:
    """A range within the data, and the beginnings of its periods and of the one after them."""
    zone = dice.choice(ZONES)
    moments = [event.ts for event in EVENTS[site]] or [BEGIN]
    end = dice.choice((BEGIN + 11 * DAY, max(moments) + 1, BEGIN + dice.randrange(DAY, 10 * DAY)))
    start = min(dice.choice((BEGIN, BEGIN + 3 * DAY, dice.choice(moments))), end - 1)
    found = begins(interval, start, end + 62 * DAY, ZoneInfo(zone))
    inside = [begin for begin in found if begin < end]
    bots: Bots = dice.choice(("include", "include", "exclude", "only"))
    return Scope(site, inside[0], end, zone, dice.choice(FILTERS), bots), found[: len(inside) + 1]


def test_states_are_those_told_by_hand(client: Client) -> None:
    dice = random.Random(22)
    for site, events in EVENTS.items():
        interval: Any = dice.choice(("hour", "day", "day", "week", "month"))
        scope, edges = scoped(dice, site, interval)
        grid = lifecycle_route.with_period_before(Grid(tuple(edges)), interval, scope.timezone)
        asked = Activity(scope, dice.choice(("users", "visitors")), grid, True, dice.choice(HAPPENINGS))
        found = lifecycle.answer(client, asked, LATER)
        assert [stage.begin_ms for stage in found.stages] == edges[:-1]
        right = activity.lifecycle(events, asked, scope.start_ms, interval)
        assert [stage.counts for stage in found.stages] == right, (asked, interval)


def test_so_many_periods_and_active_days_are_those_counted_by_hand(client: Client) -> None:
    dice = random.Random(23)
    for site, events in EVENTS.items():
        interval: Any = dice.choice(("hour", "day", "day", "week", "month"))
        scope, edges = scoped(dice, site, interval)
        asked = Activity(scope, dice.choice(("users", "visitors")), Grid(tuple(edges)), False, dice.choice(HAPPENINGS))
        found = stickiness.answer(client, asked, LATER)
        right = activity.stickiness(events, asked, interval)
        assert {n: count for n, count in enumerate(found.exactly, 1) if count} == right, (asked, interval)
        assert found.at_least == tuple(sum(found.exactly[n:]) for n in range(len(found.exactly)))
        scope, edges = scoped(dice, site, "day")
        grid = stickiness_route.with_days_before(Grid(tuple(edges)), scope.timezone)
        asked = replace(asked, scope=scope, grid=grid)
        days = stickiness.active(client, asked, LATER).days
        assert [each.begin_ms for each in days] == edges[:-1]
        assert [(each.day, each.week, each.month) for each in days] == activity.active(events, asked), asked


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}
PATHS = ("lifecycle/query", "stickiness/query", "stickiness/active")


async def test_lifecycle_is_answered_as_it_is_described(api: Api) -> None:
    asked = RANGE | {"interval": "day", "timezone": "America/New_York"}
    answered = await api.ask("POST", "/api/v1/lifecycle/query", "reader", json=asked)
    assert answered.status_code == 200, answered.text
    data = lifecycle_route.LifecycleResponse.model_validate(answered.json(), strict=True).data
    assert (data.meta.source, data.periods[0].returning, data.periods[0].dormant) == ("activity", 0, 0)
    assert [each.unfinished for each in data.periods] == [False] * len(data.periods)
    assert sum(each.new for each in data.periods) > 0
    for now, then in zip(data.periods[1:], data.periods, strict=False):
        assert now.returning + now.dormant == then.new + then.returning + then.resurrecting
    usual = await api.ask("POST", "/api/v1/lifecycle/query", "reader", json=lifecycle_route.EXAMPLE)
    assert usual.status_code == 200, usual.text
    running = (await api.ask("POST", "/api/v1/lifecycle/query", "reader", json={})).json()["data"]["periods"]
    assert [each["unfinished"] for each in running] == [False] * 12 + [True]


async def test_stickiness_is_answered_as_it_is_described(api: Api) -> None:
    answered = await api.ask("POST", "/api/v1/stickiness/query", "reader", json=RANGE | {"interval": "day"})
    assert answered.status_code == 200, answered.text
    data = stickiness_route.StickinessResponse.model_validate(answered.json(), strict=True).data
    assert [row.periods for row in data.rows] == list(range(1, 12))
    assert data.units == data.rows[0].at_least == sum(row.exactly for row in data.rows) > 0
    answered = await api.ask("POST", "/api/v1/stickiness/active", "reader", json=RANGE)
    assert answered.status_code == 200, answered.text
    days = stickiness_route.ActiveResponse.model_validate(answered.json(), strict=True).data.days
    assert (len(days), days[-1].month) == (11, data.units)
    assert all(each.ratio == (round(each.day / each.month, 6) if each.month else None) for each in days)
    for path, asked in (("query", stickiness_route.EXAMPLE), ("active", {}), ("active", {"period": "1h"})):
        assert (await api.ask("POST", f"/api/v1/stickiness/{path}", "reader", json=asked)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_what_cannot_be_asked_is_refused_by_its_place(api: Api, path: str) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"interval": "minute"}, "interval: "),
        ({"unit": "sessions"}, "unit: "),
        ({"active": {"filter": {"field": "x"}}}, "active.filter.field: there is no field 'x'"),
        ({"filter": {"field": "revenue", "value": "x"}}, "filter: eq takes a number"),
        ({"start_date": "2026-03-06", "end_date": "2026-03-05"}, "end must lie after"),
        ({"timezone": "Mars"}, "timezone: "),
        ({"else": 1}, "else: "),
        (
            {"period": "9999d"} | ({} if path == "stickiness/active" else {"interval": "day"}),
            "interval: would make more",
        ),
    ]
    for asked, said in refused:
        answered = await api.ask("POST", f"/api/v1/{path}", "reader", json=asked)
        assert answered.status_code == 400, (asked, answered.text)
        assert said in answered.json()["detail"], asked


@pytest.mark.parametrize("path", PATHS)
async def test_whose_data_it_is(api: Api, path: str) -> None:
    assert (await api.ask("POST", f"/api/v1/{path}", "rival", json={"site_id": "shop"})).status_code == 404
    assert (await api.ask("POST", f"/api/v1/{path}", "writer", json={})).status_code == 403
    assert (await api.ask("POST", f"/api/v1/{path}", None, json={})).status_code == 401
