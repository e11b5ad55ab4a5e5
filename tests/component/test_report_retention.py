"""Retention against a reference by hand, over random events; and what is refused over HTTP."""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from api.query.bucket import begins
from api.query.retention import EXAMPLE
from clickhouse.client import Client
from clickhouse.reports.filter import NOTHING, AllOf, Condition, Filter, Not
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.retention import Group, RetentionQuery, answer, is_plain
from clickhouse.reports.scope import Scope
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill, some
from tests.reports.periods import label
from tests.reports.retention import cohorts

SETS = 160
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Vienna")
HAPPENINGS = (
    ANYTHING,
    ANYTHING,
    Happening("page_view"),
    Happening("purchase"),
    Happening("signup", Condition("country", "eq", ("AT", "US"))),
    Happening("", Condition("properties.plan", "eq", ("pro",))),
)
FILTERS: tuple[Filter, ...] = (
    NOTHING,
    NOTHING,
    Not(Condition("path", "eq", ("/",))),
    AllOf((Condition("country", "is_set"),)),
)
LATER = BEGIN + 400 * DAY


def _events() -> dict[str, list[Event]]:
    dice = random.Random(11)
    return {
        f"set{n}": [structs.replace(event, site_id=f"set{n}") for event in some(dice, dice.choice((12, 40, 90)))]
        for n in range(SETS)
    }


EVENTS = _events()


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, [event for events in EVENTS.values() for event in events])
    yield made
    made.close()


def grid_of(interval: str, start: int, end: int, zone: str) -> Grid:
    found = begins(interval, start, end + 62 * DAY, ZoneInfo(zone))
    inside = [begin for begin in found if begin < end]
    return Grid((*inside, found[len(inside)]))


def scoped(dice: random.Random, site: str, interval: str) -> tuple[Scope, Grid]:
    """A range within the data, so that there is a history, at the edge of which events may lie."""
    zone = dice.choice(ZONES)
    moments = [event.ts for event in EVENTS[site]] or [BEGIN]
    end = dice.choice((BEGIN + 11 * DAY, max(moments), max(moments) + 1, BEGIN + dice.randrange(DAY, 10 * DAY)))
    grid = grid_of(interval, min(dice.choice((BEGIN, BEGIN + 3 * DAY, dice.choice(moments))), end - 1), end, zone)
    return Scope(
        site, grid.start_ms, end, zone, dice.choice(FILTERS), dice.choice(("include", "include", "exclude", "only"))
    ), grid


def question(dice: random.Random, site: str) -> tuple[RetentionQuery, str]:
    interval = dice.choice(("hour", "day", "day", "day", "week", "month"))
    scope, grid = scoped(dice, site, interval)
    returning = dice.choice(("on", "on_or_after", "bracket"))
    columns = tuple((n, n) for n in range(dice.choice((1, 4, 12, 90))))
    start = dice.choice(HAPPENINGS)
    lengths = {"hour": 3_600_000, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
    query = RetentionQuery(
        scope=scope,
        grid=grid,
        brackets=dice.choice((((0, 0), (1, 3), (4, 7)), ((1, 1), (3, 5)))) if returning == "bracket" else columns,
        start=start,
        back=dice.choice((start, dice.choice(HAPPENINGS))),
        kind=dice.choice(("first_time", "first_ever", "recurring")),
        returning=returning,  # type: ignore[arg-type]
        window_ms=dice.choice((0, 0, lengths[interval])),
        minimum_times=dice.choice((1, 1, 1, 2, 3)),
        measure=dice.choice(("count", "count", "count", "revenue", "properties.price")),
        breakdown=dice.choice(("", "", "country", "path")),
        unit=dice.choice(("users", "visitors")),
    )
    plain = replace(query, back=start, window_ms=0, minimum_times=1, measure="count", breakdown="")
    return dice.choice((query, plain)), interval


def told(group: Group) -> list[tuple[int, list[float]]]:
    return [(cohort.size, [round(cell.value or 0, 6) for cell in cohort.cells]) for cohort in group.cohorts]


def test_cohorts_are_those_counted_by_hand(client: Client) -> None:
    dice, plain, kept = random.Random(12), 0, 0
    for site, events in EVENTS.items():
        for _ in range(2):
            query, interval = question(dice, site)
            found = answer(client, query, LATER)
            right = {
                value: [(size, [round(column, 6) for column in columns]) for size, columns in of_value]
                for value, of_value in cohorts(events, query, interval).items()
            }
            assert {group.value: told(group) for group in found.groups if group.size} == right, (query, interval)
            plain += is_plain(query)
            kept += found.source == "activity"
    assert plain > 60
    assert kept > 30


def test_a_cell_is_finished_once_its_period_is_over_for_all_of_the_cohort(client: Client) -> None:
    dice = random.Random(13)
    for site in list(EVENTS)[:12]:
        query, interval = question(dice, site)
        zone, scope = ZoneInfo(query.scope.timezone), query.scope
        now = dice.choice((LATER, scope.end_ms - 3 * DAY))
        bound = min(now, scope.end_ms)
        for cohort, begin, end in zip(
            answer(client, query, now).groups[0].cohorts if answer(client, query, now).groups else (),
            query.grid.begins,
            query.grid.begins[1:],
            strict=False,
        ):
            for cell, (_, last) in zip(cohort.cells, query.brackets, strict=True):
                if query.window_ms:
                    assert cell.is_finished == (end + (last + 1) * query.window_ms <= bound)
                else:
                    after = [at for at in query.grid.begins if at > begin][last:][:1]
                    assert cell.is_finished == bool(after and after[0] <= bound)
                    assert label(cohort.begin_ms, interval, zone) == label(begin, interval, zone)


def test_averages_are_weighted_and_leave_out_what_is_not_over(client: Client) -> None:
    events = [
        *(
            Event(site_id="mean", event_id=f"0000000{n}-0000-0000-0000-000000000000", visitor_id=f"a{n}")
            for n in range(3)
        ),
        Event(site_id="mean", ts=BEGIN + DAY, event_id="00000010-0000-0000-0000-000000000000", visitor_id="a0"),
        Event(site_id="mean", ts=BEGIN + DAY, event_id="00000011-0000-0000-0000-000000000000", visitor_id="b"),
        Event(site_id="mean", ts=BEGIN + 2 * DAY, event_id="00000012-0000-0000-0000-000000000000", visitor_id="b"),
        Event(site_id="mean", ts=BEGIN + 2 * DAY, event_id="00000013-0000-0000-0000-000000000000", visitor_id="c"),
    ]
    fill(client, events)
    grid = Grid(tuple(BEGIN + n * DAY for n in range(4)))
    scope = Scope("mean", BEGIN, BEGIN + 2 * DAY + 1, "UTC")
    [group] = answer(client, RetentionQuery(scope, grid, ((0, 0), (1, 1), (2, 2))), LATER).groups
    assert [cohort.size for cohort in group.cohorts] == [3, 1, 1]
    assert [[cell.is_finished for cell in cohort.cells] for cohort in group.cohorts] == [
        [True, True, False],
        [True, False, False],
        [False, False, False],
    ]
    assert group.averages == (1, 1 / 3, None)
    assert [cell.value for cell in group.cohorts[1].cells] == [1, 1, None]


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    fill(client, [structs.replace(event, site_id="shop") for event in EVENTS["set0"] + EVENTS["set1"]])
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


async def ask(api: Api, key: str = "reader", **asked: Any) -> Any:
    return await api.ask("POST", "/api/v1/retention/query", key, json=asked)


RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


async def test_it_answers_over_http(api: Api) -> None:
    answer = await ask(api, **RANGE, interval="day", timezone="America/New_York", periods=5)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["meta"]["source"], data["columns"][-1], len(data["groups"])) == ("activity", [4, 4], 1)
    [group] = data["groups"]
    assert [len(cohort["values"]) for cohort in group["cohorts"]][-5:] == [5, 4, 3, 2, 1]
    assert group["size"] == sum(cohort["size"] for cohort in group["cohorts"]) > 0
    assert all(cohort["values"][0]["value"] == cohort["size"] for cohort in group["cohorts"])
    for more in (
        EXAMPLE,
        RANGE | {"breakdown": "properties.plan"},
        RANGE | {"measure": "sum:revenue", "windows": "rolling"},
        RANGE | {"returning": "bracket", "brackets": [[0, 0], [1, 3]], "interval": "day"},
    ):
        answer = await ask(api, **more)
        assert answer.status_code == 200, answer.text
    assert len((await ask(api, interval="month", periods=7)).json()["data"]["groups"][0]["cohorts"]) == 7


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "second"}, "kind: "),
        ({"periods": 91}, "periods: "),
        ({"interval": "hour", "period": "52w"}, "interval: would make more than 400 periods"),
        ({"brackets": [[1, 2]]}, "brackets: is for returning=bracket alone"),
        ({"returning": "bracket"}, "brackets: is required"),
        ({"returning": "bracket", "brackets": [[1, 3], [3, 4]]}, "brackets.1: must be two periods from 4"),
        ({"measure": "sum:country"}, "measure: "),
        ({"breakdown": "nothing"}, "breakdown: there is no field 'nothing'"),
        ({"start": {"filter": {"field": "x"}}}, "start.filter.field: there is no field 'x'"),
        ({"return": {"filter": {"field": "revenue", "value": "x"}}}, "return.filter: eq takes a number"),
        ({"return": {"event": "a" * 201}}, "return.event: "),
        ({"unit": "sessions"}, "unit: "),
        ({"start_date": "2026-03-06", "end_date": "2026-03-05"}, "end must lie after"),
        ({"timezone": "Mars"}, "timezone: "),
        ({"else": 1}, "else: "),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_place(api: Api, asked: dict[str, Any], said: str) -> None:
    answer = await ask(api, **asked)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]


async def test_revenue_in_several_currencies_is_not_added_up(api: Api, client: Client) -> None:
    fill(client, [Event(event_id="00000000-0000-0000-0000-00000000ffff", visitor_id="v1", revenue=1.0, currency="USD")])
    answer = await ask(api, **RANGE, measure="sum:revenue")
    assert answer.status_code == 400
    assert "several currencies (EUR, USD)" in answer.json()["detail"]
    eur: dict[str, Any] = {"return": {"filter": {"field": "currency", "value": "EUR"}}}
    assert (await ask(api, **RANGE, measure="sum:revenue", **eur)).status_code == 200


async def test_whose_data_it_is(api: Api) -> None:
    assert (await ask(api, "rival_reader", site_id="shop")).status_code in (403, 404)
    assert (await ask(api, "writer")).status_code == 403
    assert (await ask(api, "rival", site_id="shop")).status_code == 404
