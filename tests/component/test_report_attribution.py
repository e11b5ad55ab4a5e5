"""Attribution against a reference by hand, over random events; and what is refused over HTTP."""

import random
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from fractions import Fraction
from math import isclose
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import structs

from api.query.attribution import EXAMPLE, AttributionResponse
from clickhouse.client import Client
from clickhouse.reports import attribution
from clickhouse.reports.attribution import AttributionQuery, Credit, Model
from clickhouse.reports.filter import NOTHING, Condition, Filter, Not
from clickhouse.reports.scope import Bots, Scope
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.attribution import expected
from tests.reports.events import BEGIN, DAY, Event, fill, some

SETS = 14
MODELS: tuple[Model, ...] = get_args(Model)
FILTERS: tuple[Filter, ...] = (
    NOTHING,
    NOTHING,
    Condition("country", "eq", ("AT",)),
    Not(Condition("path", "eq", ("/",))),
)
RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


def _events(number: int) -> list[Event]:
    dice = random.Random(number)
    events = some(dice, dice.choice((20, 100, 200)), dice.choice((1, 3, 10)))
    return [
        structs.replace(each, site_id=f"set{number}", currency=dice.choice(("EUR", "USD")) if each.revenue else "")
        for each in events
    ]


EVENTS = {f"set{number}": _events(number) for number in range(SETS)}


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    fill(made, [event for events in EVENTS.values() for event in events])
    fill(made, [structs.replace(event, site_id="shop") for event in EVENTS["set5"] + EVENTS["set8"] + EVENTS["set11"]])
    yield made
    made.close()


def question(dice: random.Random, site: str, model: Model) -> AttributionQuery:
    start = BEGIN + dice.choice((0, DAY, dice.randrange(3 * DAY)))
    bots: Bots = dice.choice(("include", "include", "exclude"))
    return AttributionQuery(
        Scope(site, start, start + dice.choice((1, 9)) * DAY, "UTC", dice.choice(FILTERS), bots),
        goal=dice.choice(("signup", "purchase", "page_view")),
        model=model,
        by=dice.choice(("channel", "source", "path", "referrer_host")),
        lookback_ms=dice.choice((60_000, 3_600_000, DAY, 30 * DAY)),
        unit=dice.choice(("visitors", "users")),
    )


def _same(found: Credit, wanted: dict[str, Any], model: Model) -> None:
    near = Decimal(found.conversions) / 10**8 if model == "time_decay" else Decimal(0)
    credit = Decimal(int(Fraction(wanted["credit"]) * 10**9)) / 10**9
    assert abs(found.credit - credit) <= near
    assert found.conversions == wanted["conversions"]
    assert set(found.revenue) == set(wanted["revenue"])
    for currency, money in wanted["revenue"].items():
        assert abs(found.revenue[currency] - money) <= near * 10_000
    for name in ("touches", "days", "days_median"):
        assert isclose(getattr(found, name), wanted[name], rel_tol=1e-9, abs_tol=1e-9), name


@pytest.mark.parametrize("model", MODELS)
def test_every_cell_is_what_is_credited_by_hand(client: Client, model: Model) -> None:
    dice, many = random.Random(model), 0
    for site, events in EVENTS.items():
        asked = question(dice, site, model)
        found = attribution.answer(client, asked)
        rows, whole = expected(events, asked)
        assert {each.name for each in found.credits} == set(rows), asked
        for each in found.credits:
            _same(each, rows[each.name], model)
        if whole is None:
            assert found.total == attribution.NONE
        else:
            _same(found.total, whole, model)
        assert [each.credit for each in found.credits] == sorted((c.credit for c in found.credits), reverse=True)
        assert sum(each.credit for each in found.credits) == found.total.credit == found.total.conversions
        for currency, money in found.total.revenue.items():
            assert sum(each.revenue.get(currency, Decimal(0)) for each in found.credits) == money
        many += len(rows) > 1
    assert many >= 3


def test_the_largest_revenue_is_credited_exactly(client: Client) -> None:
    one = structs.replace(EVENTS["set5"][0], site_id="rich", event="purchase", ts=BEGIN, revenue=1e12, currency="IDR")
    fill(client, [one, structs.replace(one, event_id=f"{1:032x}", revenue=-1e12, currency="VND")])
    asked = AttributionQuery(
        Scope("rich", BEGIN, BEGIN + DAY, "UTC", NOTHING, "include"),
        goal="purchase",
        model="linear",
        by="channel",
        lookback_ms=DAY,
        unit="visitors",
    )
    assert attribution.answer(client, asked).total.revenue == {"IDR": Decimal(10**12), "VND": Decimal(-(10**12))}


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


async def ask(api: Api, key: str | None = "reader", **asked: Any) -> Any:
    return await api.ask("GET", "/api/v1/attribution", key, params={"goal": "page_view", **asked})


async def test_it_answers_over_http(api: Api) -> None:
    answered = await ask(api, **RANGE, model="linear", by="path", limit=1, filter='{"field": "country", "value": "AT"}')
    assert answered.status_code == 200, answered.text
    found = AttributionResponse.model_validate(answered.json())
    assert found.count > len(found.credits) == 1
    assert found.total.credit == found.total.conversions > 0
    assert isclose(found.credits[0].credit + found.others.credit, found.total.credit)
    body = {"goal": "page_view", "model": "linear", "by": "path", "limit": 1, **RANGE}
    body["filter"] = {"field": "country", "value": "AT"}
    posted = await api.ask("POST", "/api/v1/attribution/query", "reader", json=body)
    assert posted.json() | {"meta": None} == answered.json() | {"meta": None}


async def test_nothing_converted_is_answered_as_nothing(api: Api) -> None:
    answered = await api.ask("POST", "/api/v1/attribution/query", "reader", json=EXAMPLE | {"goal": "unknown"})
    found = AttributionResponse.model_validate(answered.json())
    assert (found.credits, found.count, found.total.conversions, found.total.share) == ([], 0, 0, None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"goal": ""}, "goal: "),
        ({"model": "best"}, "model: "),
        ({"by": "nothing"}, "by: "),
        ({"lookback": "soon"}, "lookback: "),
        ({"lookback": "366d"}, "lookback: is longer than 365d"),
        ({"unit": "sessions"}, "unit: "),
        ({"limit": 0}, "limit: "),
        ({"filter": "{"}, "filter: is no JSON"),
        ({"else": 1}, "else: "),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_place(api: Api, asked: dict[str, Any], said: str) -> None:
    answered = await ask(api, **asked)
    assert answered.status_code == 400, answered.text
    assert said in answered.json()["detail"]


async def test_whose_data_it_is(api: Api) -> None:
    theirs = await ask(api, "rival_reader", **RANGE)
    assert theirs.json()["total"]["conversions"] == 0
    assert (await ask(api, "rival", site_id="shop")).status_code == 404
    assert (await ask(api, "writer")).status_code == 403
    assert (await ask(api, None)).status_code == 401
