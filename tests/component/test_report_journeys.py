"""Journeys against a reference by hand, over random events; and what is refused over HTTP."""

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from api.query.journeys import EXAMPLE, JourneysResponse
from clickhouse.client import Client
from clickhouse.reports import journeys
from clickhouse.reports.filter import NOTHING, Condition, Filter, Not
from clickhouse.reports.journeys import JourneysAnswer, JourneysQuery
from clickhouse.reports.scope import Scope
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, fill, some
from tests.reports.journeys import expected

SETS = 40
FILTERS: tuple[Filter, ...] = (NOTHING, NOTHING, NOTHING, Not(Condition("path", "eq", ("/",))))
VALUES: dict[str, tuple[str, ...]] = {
    "event": ("page_view", "signup", "purchase"),
    "path": ("/", "/a", "/A", "/none"),
    "properties.plan": ("pro", "5", "true"),
    "referrer_host": ("t.co",),
}
EVENTS = {
    f"set{n}": [
        structs.replace(event, site_id=f"set{n}")
        for event in some(random.Random(n), random.Random(n).choice((12, 60, 120)), random.Random(n).choice((1, 3)))
    ]
    for n in range(SETS)
}


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    fill(made, [event for events in EVENTS.values() for event in events])
    fill(made, [structs.replace(event, site_id="shop") for n in range(10) for event in EVENTS[f"set{n}"]])
    yield made
    made.close()


def question(dice: random.Random, site: str, way: int) -> JourneysQuery:
    """A question: from a step (1), to one (2), both (3) or neither (0)."""
    start = BEGIN + dice.choice((0, 0, dice.randrange(DAY)))
    scope = Scope(
        site, start, start + dice.choice((1, 4)) * DAY, "UTC", dice.choice(FILTERS), dice.choice(("include", "exclude"))
    )
    step = dice.choice(("event", "event", *VALUES))
    return JourneysQuery(
        scope=scope,
        step=step,
        begin=dice.choice(VALUES[step]) if way & 1 else None,
        end=dice.choice(VALUES[step]) if way & 2 else None,
        length=dice.choice((2, 3, 5, 10)),
        unit=dice.choice(("sessions", "sessions", "users", "visitors")),
        window_ms=dice.choice((0, 0, 60_000, 3_600_000)),
        is_collapsed=dice.random() < 0.6,
        limit=dice.choice((1, 2, 10)),
    )


def told(found: JourneysAnswer) -> dict[str, Any]:
    cells: dict[tuple[Any, ...], int] = {}
    for node in found.nodes:
        cells["node", node.level, node.value] = node.journeys
        cells["ended", node.level, node.value] = node.ended
        cells["went on", node.level, node.value] = node.went_on
    for link in found.links:
        cells["link", link.level, link.source, link.target] = link.journeys
    return {
        "begun": found.begun,
        "journeys": found.journeys,
        "cells": {key: count for key, count in cells.items() if count},
        "values": {level.level: level.values for level in found.levels},
    }


def test_journeys_are_those_walked_by_hand(client: Client) -> None:
    dice, ways = random.Random(31), set()
    for number, (site, events) in enumerate(EVENTS.items()):
        asked = question(dice, site, number % 4)
        found = journeys.answer(client, asked)
        assert told(found) == expected(events, asked), asked
        if found.links:
            ways.add(number % 4)
    assert len(ways) == 4


def test_levels_are_the_sums_of_their_nodes(client: Client) -> None:
    found = journeys.answer(
        client, JourneysQuery(Scope("shop", BEGIN, BEGIN + 9 * DAY), step="path", length=3, unit="visitors", limit=2)
    )
    assert [level.level for level in found.levels] == [0, 1, 2]
    for level in found.levels:
        own = [node for node in found.nodes if node.level == level.level]
        assert level.journeys == sum(node.journeys for node in own)
        assert level.ended == sum(node.ended for node in own)
        assert (own[-1].value is None) == (level.values > 2)
        links = sum(link.journeys for link in found.links if link.level == level.level)
        assert links == level.journeys - level.ended - level.went_on


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


async def ask(api: Api, key: str | None = "reader", **asked: Any) -> Any:
    return await api.ask("POST", "/api/v1/journeys/query", key, json=asked)


async def test_it_answers_over_http(api: Api) -> None:
    for more in ({"from": "/"}, {"to": "/a", "unit": "users"}, {"from": "/", "to": "/a", "window": "1h"}, {"limit": 1}):
        answered = await ask(api, **RANGE, step="path", **more)
        assert answered.status_code == 200, answered.text
        data = JourneysResponse.model_validate(answered.json(), strict=True).data
        assert data.begun >= data.journeys > 0
        assert (data.levels[0].level, data.levels[0].journeys) == (0, data.journeys)
    assert (await ask(api, **EXAMPLE)).json()["data"]["nodes"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"step": "nothing"}, "step: there is no field 'nothing'"),
        ({"length": 1}, "length: "),
        ({"length": 11}, "length: "),
        ({"limit": 51}, "limit: "),
        ({"unit": "people"}, "unit: "),
        ({"window": "soon"}, "window: "),
        ({"from": ""}, "from: "),
        ({"from": "a", "to": "a", "length": 2}, "to: "),
        ({"filter": {"field": "revenue", "value": "x"}}, "filter: eq takes a number"),
        ({"else": 1}, "else: "),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_place(api: Api, asked: dict[str, Any], said: str) -> None:
    answered = await ask(api, **asked)
    assert answered.status_code == 400, answered.text
    assert said in answered.json()["detail"]


async def test_whose_data_it_is(api: Api) -> None:
    assert (await ask(api, "rival", site_id="shop")).status_code == 404
    assert (await ask(api, "writer")).status_code == 403
    assert (await ask(api, None)).status_code == 401
