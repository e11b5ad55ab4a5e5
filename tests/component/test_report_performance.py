"""Measurements and errors of pages against numpy and counting by hand, and over HTTP."""

import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import astuple, replace
from math import isclose
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import json, structs

from api.query.performance import EXAMPLE, ErrorsResponse, PerformanceResponse, rating
from clickhouse.client import Client
from clickhouse.reports import errors, performance
from clickhouse.reports.errors import Resolved
from clickhouse.reports.filter import NOTHING, Condition
from clickhouse.reports.scope import Scope
from pulse.event import MAX_MS
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports import performance as by_hand
from tests.reports.events import BEGIN, DAY, Event, fill, some
from tests.reports.periods import label

SETS = 25
MESSAGES = (
    "x is undefined",
    "x17 is undefined at line 4",
    "x99 is undefined at line 12",
    "cannot load https://a.example/b?c=1 (timeout)",
    "cannot load http://z.example/ (timeout)",
    "key 'a' of \"b\" in `c` at 0xdeadBEEF",
    "key 'zz' of \"y\" in `x` at 0x12",
    "row 0198c0de-0000-7000-8000-000000000001 is gone",
    "é" * 600,
)
RELEASES = ("1.9", "v1.10.0", "2.0", "2.0.0", "2.0.1-beta", "abc", "", 5, None)


def _measuring(dice: random.Random, event: Event) -> Event:
    """An event as a browser sends it, or not quite."""
    if dice.random() < 0.3:
        error = {"message": dice.choice((*MESSAGES, 5, None)), "release": dice.choice(RELEASES)}
        return structs.replace(event, event="error", properties=json.encode(error).decode())
    values: dict[str, Any] = {name: dice.choice((0, 100, 150.5, 200, 2500, 2501, 4000, 9000)) for name in by_hand.NAMES}
    values["cls"] = dice.choice((0, 0.1, 0.05, 0.25, 0.3))
    values["lcp"] = dice.choice((values["lcp"], "fast", -1, None, True))
    kept = {name: value for name, value in values.items() if dice.random() < 0.8}
    name = dice.choice(("web_vitals", "web_vitals", "web_vitals", "page_view"))
    return structs.replace(event, event=name, properties=json.encode(kept).decode())


def _events() -> dict[str, list[Event]]:
    dice = random.Random(41)
    return {
        f"set{n}": [structs.replace(_measuring(dice, each), site_id=f"set{n}") for each in some(dice, 120)]
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


def _scope(dice: random.Random, site: str) -> Scope:
    zone = dice.choice(("UTC", "America/New_York", "Asia/Kathmandu"))
    start = BEGIN + dice.choice((0, dice.randrange(DAY)))
    filter_ = dice.choice((NOTHING, Condition("country", "eq", ("AT",))))
    return Scope(site, start, BEGIN + dice.randrange(2, 11) * DAY, zone, filter_, dice.choice(("include", "exclude")))


def _same(found: performance.Line, right: dict[str, tuple[Any, ...]]) -> None:
    assert set(found) == set(right)
    for name, values in right.items():
        for got, value in zip(astuple(found[name]), values, strict=True):
            assert got == value or isclose(got, value, rel_tol=1e-12), (name, found[name], values)


def test_measurements_are_those_of_numpy(client: Client) -> None:
    dice = random.Random(42)
    for site, events in EVENTS.items():
        scope, by = _scope(dice, site), dice.choice(("path", "device_type", "country"))
        found = performance.answer(client, scope, by, "day", 2)
        own = by_hand.own(events, scope, "web_vitals")
        _same(found.total, by_hand.line(own))
        groups = by_hand.by_value(own, by)
        assert ([value for value, _ in found.groups], found.values) == ([value for value, _ in groups[:2]], len(groups))
        for (_, got), (_, right) in zip(found.groups, groups, strict=False):
            _same(got, right)
        zone = ZoneInfo(scope.timezone)
        days = {label(begin, "day", zone): line for begin, line in found.buckets.items()}
        right_days = by_hand.by_day(own, zone)
        assert set(days) == set(right_days)
        for day, line in days.items():
            _same(line, right_days[day])


def _said(dice: random.Random, found: Sequence[errors.Fault]) -> dict[str, Resolved]:
    """Of some faults, that they are resolved."""
    releases = [each for each in RELEASES if isinstance(each, str)]
    some = [each.fingerprint for each in found if dice.random() < 0.5]
    return {each: Resolved(BEGIN + dice.randrange(12 * DAY), dice.choice(releases)) for each in some}


def test_faults_are_those_grouped_by_hand(client: Client) -> None:
    dice, told = random.Random(43), set()
    for site, events in EVENTS.items():
        scope = replace(_scope(dice, site), start_ms=BEGIN + dice.randrange(2 * DAY))
        known = errors.answer(client, scope, 100).faults
        resolved = _said(dice, known)
        by_key = {(each.path, each.message): resolved.get(each.fingerprint) for each in known}
        right = by_hand.faults(events, scope, {key: said for key, said in by_key.items() if said})
        found = errors.answer(client, scope, 3, resolved)
        own = by_hand.own(events, scope, "error")
        assert [astuple(each)[1:] for each in found.faults] == right[:3], scope
        assert (found.groups, found.count) == (len(right), len(own))
        assert found.visitors == len({each.visitor_id for each in own})
        assert found.users == len({each.user_id or (each.visitor_id,) for each in own})
        assert len({each.fingerprint for each in found.faults}) == len(found.faults)
        told |= {each[-1] for each in right}
        some = errors.answer(client, scope, 100, resolved, ("new", "regressed"))
        expected = [each for each in right if each[-1] in ("new", "regressed")]
        assert [astuple(each)[1:] for each in some.faults] == expected
        assert (some.groups, some.count) == (len(expected), len(own))
    assert told == {"new", "ongoing", "regressed", "resolved"}


@pytest.mark.parametrize(
    ("name", "value", "rated"),
    [
        ("lcp", 2500, "good"),
        ("lcp", 2501, "needs_improvement"),
        ("lcp", 4001, "poor"),
        ("inp", 200, "good"),
        ("inp", 500, "needs_improvement"),
        ("cls", 0.1, "good"),
        ("cls", 0.26, "poor"),
        ("fcp", 1800, "good"),
        ("ttfb", 1801, "poor"),
        ("load", 1, None),
        ("lcp", None, None),
    ],
)
def test_ratings(name: str, value: float | None, rated: str | None) -> None:
    assert rating(name, value) == rated


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


async def test_both_are_answered_as_they_are_described(api: Api) -> None:
    asked = RANGE | {"by": "country", "granularity": "day"}
    answered = await api.ask("POST", "/api/v1/performance/query", "reader", json=asked)
    assert answered.status_code == 200, answered.text
    data = PerformanceResponse.model_validate(answered.json(), strict=True).data
    assert len(data.over_time) == 11
    assert data.values == len(data.groups) == 3
    for vital in data.vitals[:5]:
        assert vital.good is not None
        assert vital.needs_improvement is not None
        assert vital.poor is not None
        assert abs(vital.good + vital.needs_improvement + vital.poor - 1) < 1e-5
    assert (data.vitals[5].good, data.vitals[5].rating) == (None, None)
    answered = await api.ask("POST", "/api/v1/performance/query", "reader", json=EXAMPLE)
    assert answered.json()["data"]["vitals"][0]["count"] == 0
    answered = await api.ask("POST", "/api/v1/errors/query", "reader", json=RANGE)
    assert answered.status_code == 200, answered.text
    told = ErrorsResponse.model_validate(answered.json(), strict=True).data
    assert told.groups == len(told.faults) > 0
    assert told.count == sum(fault.count for fault in told.faults)
    empty = (await api.ask("POST", "/api/v1/errors/query", "reader", json={})).json()["data"]
    assert (empty["count"], empty["visitors"], empty["groups"], empty["faults"]) == (0, 0, 0, [])


async def _standing(api: Api, **asked: Any) -> dict[str, str]:
    answered = await api.ask("POST", "/api/v1/errors/query", "reader", json=RANGE | asked)
    return {fault["fingerprint"]: fault["status"] for fault in answered.json()["data"]["faults"]}


def test_a_fault_is_known_by_the_fingerprint_that_is_told_of_it_and_at_no_other_site(client: Client) -> None:
    told = errors.answer(client, Scope("set0", 0, MAX_MS), 1_000).faults
    assert len(told) > 5
    assert all(errors.is_known(client, "set0", fault.fingerprint) for fault in told)
    assert not any(errors.is_known(client, "none", fault.fingerprint) for fault in told)
    assert not errors.is_known(client, "set0", "0123456789abcdef")


async def test_a_fault_is_resolved_comes_back_and_is_opened_again(api: Api, client: Client) -> None:
    name = "Boom: never seen before"
    now = int(time.time() * 1000)
    seen = Event(event="error", ts=now - 60_000, visitor_id="v", properties=json.encode({"message": name}).decode())
    fill(client, [structs.replace(seen, event_id="00000000-0000-4000-8000-00000000b001")])
    recent = {"start_date": str(now - DAY), "end_date": str(now + DAY)}
    [(fault, status)] = (await _standing(api, **recent)).items()
    assert status == "new"
    assert (await _standing(api, start_date=str(now - 50_000), end_date=str(now + DAY))) == {}
    path = f"/api/v1/errors/{fault}"
    assert (await api.ask("POST", f"{path}/reopen", "shop_admin", json={})).status_code == 409
    answer = await api.ask("POST", f"{path}/resolve", "shop_admin", json={"release": "2.4", "reason": "a null check"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["action"], said["release"], said["reason"]) == ("resolve", "2.4", "a null check")
    assert await _standing(api, **recent) == {fault: "resolved"}
    assert await _standing(api, **recent, status=["new", "regressed"]) == {}
    for number, (release, expected) in enumerate({"2.3.9": "resolved", "2.4": "regressed"}.items()):
        properties = json.encode({"message": name, "release": release}).decode()
        again = structs.replace(seen, ts=said["at"] + 1 + number, properties=properties)
        fill(client, [structs.replace(again, event_id=f"00000000-0000-4000-8000-00000000b10{number}")])
        assert await _standing(api, **recent) == {fault: expected}
    assert await _standing(api, **recent, status=["regressed"]) == {fault: "regressed"}
    answer = await api.ask("POST", f"{path}/reopen", "shop_admin", json={"reason": "it is back"})
    assert (answer.status_code, answer.json()["action"]) == (200, "reopen")
    assert await _standing(api, **recent) == {fault: "new"}
    lines = (await api.ask("GET", "/api/v1/errors/resolutions", "shop_admin", params={"limit": 1})).json()
    rest = {"cursor": lines["next_cursor"]}
    later = (await api.ask("GET", "/api/v1/errors/resolutions", "shop_admin", params=rest)).json()
    assert [(each["action"], each["key_id"]) for each in (*lines["data"], *later["data"])] == [
        ("reopen", api.ids["shop_admin"]),
        ("resolve", api.ids["shop_admin"]),
    ]
    assert later["data"] == [said]


async def test_nothing_is_said_of_what_is_none_or_anothers(api: Api) -> None:
    fault = next(iter(await _standing(api)))
    for way in ("resolve", "reopen"):
        path = f"/api/v1/errors/{fault}/{way}"
        assert (await api.ask("POST", path, "rival", json={"site_id": "shop"})).status_code == 404
        assert (await api.ask("POST", path, "rival", json={"site_id": "rival"})).status_code == 404
        assert (await api.ask("POST", path, "reader", json={})).status_code == 403
        assert (await api.ask("POST", path, json={"site_id": "shop", "reason": "x" * 1001})).status_code == 400
        missing = await api.ask("POST", f"/api/v1/errors/0123456789abcdef/{way}", "shop_admin", json={})
        assert (missing.status_code, "has no fault" in missing.text) == (404, True)
        assert (await api.ask("POST", f"/api/v1/errors/none/{way}", "shop_admin", json={})).status_code == 400
        nul = await api.ask("POST", path, "shop_admin", json={"reason": "a\0b"})
        assert nul.status_code == 400, nul.text
    assert (await api.ask("GET", "/api/v1/errors/resolutions", "rival", params={"site_id": "shop"})).status_code == 404


async def test_what_cannot_be_asked_is_refused_and_whose_data_it_is(api: Api) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("performance", {"by": "nothing"}, "by: there is no field 'nothing'"),
        ("performance", {"granularity": "year"}, "granularity: "),
        ("performance", {"limit": 0}, "limit: "),
        ("performance", {"else": 1}, "else: "),
        ("errors", {"limit": 1_001}, "limit: "),
        ("errors", {"status": ["old"]}, "status.0: "),
        ("errors", {"filter": {"field": "revenue", "value": "x"}}, "filter: eq takes a number"),
        ("errors", {"else": 1}, "else: "),
    ]
    for name, asked, said in refused:
        answered = await api.ask("POST", f"/api/v1/{name}/query", "reader", json=asked)
        assert answered.status_code == 400, (asked, answered.text)
        assert said in answered.json()["detail"]
    for name in ("performance", "errors"):
        path = f"/api/v1/{name}/query"
        assert (await api.ask("POST", path, "rival", json={"site_id": "shop"})).status_code == 404
        assert (await api.ask("POST", path, "writer", json={})).status_code == 403
        assert (await api.ask("POST", path, None, json={})).status_code == 401
