"""Cohorts against telling by hand, over random events; and their routes."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any as Anything
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clickhouse.client import Client
from clickhouse.reports import cohort_people
from clickhouse.reports.cohort import All, Any, Cohort, Did, Kind, Listed, Members, Without, lists_in
from clickhouse.reports.filter import DEEPEST, AllOf, Condition, InCohort, Not
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.metric import metric_of
from clickhouse.reports.query import Question, answer
from clickhouse.reports.scope import Scope
from pulse.errors import QueryError
from tests.querying import Api, querying, settings_of
from tests.reports.cohort import Lists, is_in, name_of, passes_among
from tests.reports.events import BEGIN, DAY, SITE, Event, fill, some

SETS = 60
LATER = BEGIN + 20 * DAY
WHATS = (
    ANYTHING,
    Happening("purchase"),
    Happening("page_view", Condition("path", "eq", ("/a",))),
    Happening("", Condition("properties.price", "gte", (2.0,))),
)


@pytest.fixture
def client(migrated: Client) -> Client:
    return migrated


def _members(dice: random.Random, levels: int = 2) -> Members:
    kind = dice.randrange(7) if levels else dice.randrange(4)
    if kind == 3:
        return Listed("list")
    if kind == 4:
        return Without(_members(dice, levels - 1))
    if kind > 4:
        return (All, Any)[kind - 5](tuple(_members(dice, levels - 1) for _ in range(dice.randrange(1, 4))))
    since = BEGIN + dice.randrange(6 * DAY)
    until = since + dice.randrange(1, 6 * DAY)
    if dice.random() < 0.3:
        return Did(dice.choice(WHATS), since, until, is_first=True)
    least = dice.randrange(1, 4)
    return Did(dice.choice(WHATS), since, until, least, dice.choice((0, least, least + 1)))


def _fill(client: Client, events: list[Event], lists: Lists) -> None:
    for table in ("events", "cohort_members"):
        client.command(f"TRUNCATE TABLE {table}")
    fill(client, events)
    for name, listed in lists.items():
        cohort_people.put(client, SITE, name, [*sorted(listed), "vgone", "gone"], True, BEGIN)
        cohort_people.put(client, SITE, name, ["vgone", "gone"], False, BEGIN + 1)
        cohort_people.put(client, "other", name, ["v0", "vv0"], True, BEGIN)


def test_members_are_who_did_it(client: Client) -> None:
    for number in range(SETS):
        dice = random.Random(number)
        kind: Kind = dice.choice(("users", "visitors"))
        events = some(dice)
        names = sorted({name_of(each, kind) for each in events if each.site_id == SITE})
        lists = {"list": {*dice.sample(names, min(2, len(names))), "vnever"}}
        cohort = Cohort(SITE, kind, _members(dice))
        _fill(client, events, lists)
        listed = {*lists["list"], "vgone", "gone"} if lists_in(cohort.members) else set()
        everybody = {*names, *listed}
        expected = sorted(who for who in everybody if is_in(who, cohort, events, lists))
        found: list[str] = []
        while page := cohort_people.members(client, cohort, {}, LATER, found[-1] if found else "", 2):
            found += page
        assert found == expected, (number, cohort)
        assert cohort_people.size(client, cohort, {}, LATER) == len(expected), number


def test_a_filter_may_ask_for_members(client: Client) -> None:
    for number in range(SETS):
        dice = random.Random(1_000 + number)
        events = some(dice)
        lists = {"list": {"v1", "vv1", "uu1"}}
        cohorts = {
            "one": Cohort(SITE, "users", _members(dice)),
            "two": Cohort(SITE, "visitors", _members(dice)),
        }
        two = InCohort("two")
        mixed = AllOf((Not(two), Condition("country", "eq", ("AT", ""))))
        filter_ = dice.choice((InCohort("one"), two, Not(InCohort("one")), mixed))
        scope = Scope(SITE, BEGIN, LATER, filter=filter_, cohorts=cohorts)
        _fill(client, events, lists)
        found = answer(
            client, Question(scope=scope, metrics=(metric_of("events", ""), metric_of("visitors", "")))
        ).now.totals
        own = [each for each in events if each.site_id == SITE and passes_among(each, filter_, cohorts, events, lists)]
        assert found == {"events": len(own), "visitors": len({each.visitor_id for each in own})}, (number, scope)


NEVER = Without(Without(Did(ANYTHING, 0, LATER)))
"""Who did anything, in a form for which everybody is looked through."""


@pytest.mark.parametrize("more", [(), (NEVER,)])
def test_what_lies_ahead_is_not_looked_at_in_whatever_form(client: Client, more: tuple[Members, ...]) -> None:
    now = BEGIN + DAY
    events = [Event(ts=now - 1, visitor_id="a"), Event(ts=now, visitor_id="b"), Event(ts=now + DAY, visitor_id="c")]
    _fill(client, [replace(each, event_id=str(uuid4())) for each in events], {})
    for members in (Did(ANYTHING, BEGIN, LATER), All((Did(ANYTHING, BEGIN, LATER), *more))):
        found = cohort_people.members(client, Cohort(SITE, "visitors", members), {}, now, "", 10)
        assert len(found) == cohort_people.size(client, Cohort(SITE, "visitors", members), {}, now) == 1
        assert found == ["a"]


WRONG = Did(Happening("", InCohort("none")), BEGIN, LATER)
RIGHT = Did(ANYTHING, BEGIN, LATER)


@pytest.mark.parametrize(
    ("members", "where"),
    [
        (WRONG, "definition.did"),
        (All((RIGHT, WRONG)), "definition.and[1].did"),
        (All((Any((RIGHT, RIGHT)), Without(WRONG), RIGHT)), "definition.and[1].not.did"),
        (All((Any((RIGHT, RIGHT)), WRONG)), "definition.and[1].did"),
        (All((WRONG, RIGHT)), "definition.and[0].did"),
        (Any((RIGHT, All((RIGHT, RIGHT, WRONG)))), "definition.or[1].and[2].did"),
        (Any((RIGHT, WRONG)), "definition.or[1].did"),
        (Any((Without(RIGHT), WRONG)), "definition.or[1].did"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(client: Client, members: Members, where: str) -> None:
    with pytest.raises(QueryError) as told:
        cohort_people.size(client, Cohort(SITE, "users", members), {}, LATER)
    assert str(told.value).startswith(where), told.value


def test_one_is_nested_no_deeper_than_can_be_asked(client: Client) -> None:
    for made, word in ((All, "and"), (Any, "or")):
        members: Members = RIGHT
        for _ in range(DEEPEST):
            members = made((members,))
        with pytest.raises(QueryError, match=rf"definition(\.{word}\[0\]){{{DEEPEST}}}: is nested more than"):
            cohort_people.size(client, Cohort(SITE, "users", members), {}, LATER)


BUYERS: dict[str, Anything] = {"did": {"event": "purchase"}, "at_least": 2}
EVENTS = [
    Event(event="purchase", ts=BEGIN, visitor_id="a", user_id="ann", event_id=str(uuid4())),
    Event(event="purchase", ts=BEGIN + 1, visitor_id="b", user_id="ann", event_id=str(uuid4())),
    Event(event="purchase", ts=BEGIN + 2, visitor_id="c", event_id=str(uuid4())),
    Event(event="page_view", ts=BEGIN + 3, visitor_id="c", event_id=str(uuid4())),
    Event(event="page_view", ts=BEGIN + 4, visitor_id="a", event_id=str(uuid4())),
]
RANGE = {"start_date": str(BEGIN), "end_date": str(BEGIN + DAY)}


@pytest.fixture
async def api(tmp_path: Path, clickhouse: str, client: Client) -> AsyncIterator[Api]:
    fill(client, EVENTS)
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


async def _made(api: Api, definition: dict[str, Anything], **more: Anything) -> str:
    body = {"site_id": "shop", "name": "c", "definition": definition} | more
    answered = await api.ask("POST", "/api/v1/cohorts", "admin", json=body)
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


async def _members_of(api: Api, cohort: str) -> list[dict[str, Anything]]:
    answered = await api.ask("GET", f"/api/v1/cohorts/{cohort}/members", "reader")
    assert answered.status_code == 200, answered.text
    return [{name: value for name, value in each.items() if value} for each in answered.json()["data"]]


async def test_a_cohort_is_made_asked_changed_and_removed(api: Api) -> None:
    cohort = await _made(api, BUYERS)
    assert await _members_of(api, cohort) == [{"user_id": "ann"}]
    changed = await api.ask(
        "PATCH",
        f"/api/v1/cohorts/{cohort}",
        "admin",
        json={"definition": {"not": {"cohort": await _made(api, BUYERS)}}},
    )
    assert changed.status_code == 200, changed.text
    assert await _members_of(api, cohort) == [{"visitor_id": "a"}, {"visitor_id": "c"}]
    size = await api.ask("GET", f"/api/v1/cohorts/{cohort}/size", "reader")
    assert size.json() == {"members": 2}
    listed = await api.ask("GET", "/api/v1/cohorts", "reader")
    assert len(listed.json()["data"]) == 2
    assert (await api.ask("DELETE", f"/api/v1/cohorts/{cohort}", "admin")).status_code == 204
    assert (await api.ask("GET", f"/api/v1/cohorts/{cohort}", "reader")).status_code == 404


async def test_every_filter_takes_a_cohort(api: Api) -> None:
    cohort = await _made(api, BUYERS)
    filter_ = {"cohort": cohort}
    question = {"metrics": ["events"], "filter": filter_, **RANGE}
    told = await api.ask("POST", "/api/v1/query", "reader", json=question)
    assert told.json()["totals"] == {"events": 2}
    steps = [{"event": "purchase"}, {"event": "page_view", "filter": {"not": filter_}}]
    funnel = await api.ask(
        "POST", "/api/v1/funnels/query", "reader", json={"steps": steps, "window": "1d", "count": "visitors", **RANGE}
    )
    assert [each["count"] for each in funnel.json()["data"]["steps"]] == [3, 2], funnel.text
    retained = await api.ask(
        "POST", "/api/v1/retention/query", "reader", json={"filter": filter_, "periods": 1, **RANGE}
    )
    assert retained.json()["data"]["groups"][0]["size"] == 1, retained.text
    pages = await api.ask(
        "GET", "/api/v1/reports/pages", "reader", params={"filter": f'{{"cohort": "{cohort}"}}', **RANGE}
    )
    assert pages.status_code == 200, pages.text


async def test_a_cohort_may_stand_on_another_by_a_filter_or_by_its_list(api: Api) -> None:
    buyers = await _made(api, BUYERS)
    viewers = await _made(api, {"did": {"event": "purchase", "filter": {"cohort": buyers}}})
    assert await _members_of(api, viewers) == [{"user_id": "ann"}]
    listed = await _made(api, {"listed": True})
    path = f"/api/v1/cohorts/{listed}/members"
    assert (await api.ask("POST", path, "admin", json={"visitor_ids": ["never seen"]})).status_code == 204
    assert await _members_of(api, await _made(api, {"cohort": listed})) == [{"visitor_id": "never seen"}]
    refused = await api.ask("DELETE", f"/api/v1/cohorts/{listed}", "admin")
    assert refused.status_code == 409
    assert "names it" in refused.text


async def test_a_cohort_is_not_changed_so_that_another_could_be_asked_no_more(api: Api) -> None:
    lowest = below = await _made(api, BUYERS)
    for _ in range(4):
        below = await _made(api, {"cohort": below})
    other = await _made(api, BUYERS)
    path, change = f"/api/v1/cohorts/{lowest}", {"definition": {"cohort": other}}
    refused = await api.ask("PATCH", path, "admin", json=change)
    assert refused.status_code == 409, refused.text
    assert "stands on this one, and could not be asked any more: cohorts stand on others more than 5" in refused.text
    assert await _members_of(api, below) == await _members_of(api, lowest)
    assert (await api.ask("DELETE", f"/api/v1/cohorts/{below}", "admin")).status_code == 204
    assert (await api.ask("PATCH", path, "admin", json=change)).status_code == 200


async def test_a_cohort_grows_no_larger_than_can_be_asked(api: Api) -> None:
    below = await _made(api, {"or": [BUYERS] * 20})
    for _ in range(3):
        body = {"site_id": "shop", "name": "c", "definition": {"or": [{"cohort": below}] * 4}}
        answered = await api.ask("POST", "/api/v1/cohorts", "admin", json=body)
        if answered.status_code == 400:
            break
        below = answered.json()["id"]
    assert "more than 100 parts" in answered.text
    filter_ = {"or": [{"cohort": below}] * 11}
    told = await api.ask("POST", "/api/v1/query", "reader", json={"metrics": ["events"], "filter": filter_, **RANGE})
    assert told.status_code == 400
    assert "names cohorts more than 10 times" in told.text


async def test_a_list_is_kept_by_hand(api: Api) -> None:
    cohort = await _made(api, {"or": [{"listed": True}, BUYERS]})
    path = f"/api/v1/cohorts/{cohort}/members"
    assert (await api.ask("POST", path, "admin", json={"visitor_ids": ["x", "y"]})).status_code == 204
    assert (await api.ask("POST", path, "admin", json={"visitor_ids": ["y"], "action": "remove"})).status_code == 204
    assert await _members_of(api, cohort) == [{"user_id": "ann"}, {"visitor_id": "x"}]
    first = await api.ask("GET", path, "reader", params={"limit": 1})
    rest = await api.ask("GET", path, "reader", params={"limit": 1, "cursor": first.json()["next_cursor"]})
    assert rest.json() == {"data": [{"user_id": None, "visitor_id": "x"}], "next_cursor": None}


async def test_a_cohort_of_another_site_is_none(api: Api) -> None:
    cohort = await _made(api, BUYERS)
    question = {"metrics": ["events"], "filter": {"cohort": cohort}, **RANGE}
    for key, site in (("admin", "blog"), ("rival", "rival")):
        told = await api.ask("POST", "/api/v1/query", key, json=question | {"site_id": site})
        assert told.status_code == 400, told.text
        assert f"there is no cohort '{cohort}'" in told.text
    for method, path in (("GET", ""), ("GET", "/members"), ("GET", "/size"), ("DELETE", "")):
        assert (await api.ask(method, f"/api/v1/cohorts/{cohort}{path}", "rival")).status_code == 404, path
    assert (
        await api.ask("POST", "/api/v1/cohorts", "reader", json={"name": "c", "definition": BUYERS})
    ).status_code == 403


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({}, "must be exactly one of"),
        ({"did": {"event": "a"}, "listed": True}, "must be exactly one of"),
        ({"listed": True, "within": "7d"}, "within goes with did alone"),
        ({"did": {}, "at_least": 3, "at_most": 2}, "at_most is less than at_least"),
        ({"did": {}, "first": True, "at_least": 2}, "first is one time"),
        ({"did": {}, "within": "7d", "start_date": "2026-01-01"}, "name the time by"),
        ({"did": {}, "start_date": "yesterday"}, "is neither ms since the epoch"),
        ({"did": {"filter": {"field": "nothing", "op": "eq", "value": 1}}}, "nothing"),
        ({"did": {"filter": {"field": "path", "op": "eq", "value": "\ud800"}}}, "half of a character"),
        ({"did": {"filter": {"field": "revenue", "op": "gt", "value": 10**400}}}, "a number of at most 1e+300"),
        ({"cohort": "cohort_none"}, "there is no cohort 'cohort_none'"),
        ({"did": {"filter": {"cohort": "cohort_none"}}}, "there is no cohort 'cohort_none'"),
    ],
)
async def test_a_definition_that_cannot_be_is_refused(api: Api, definition: dict[str, Anything], said: str) -> None:
    body = json.dumps({"site_id": "shop", "name": "c", "definition": definition})
    headers = {"content-type": "application/json"}
    answered = await api.ask("POST", "/api/v1/cohorts", "admin", content=body, headers=headers)
    assert answered.status_code == 400, answered.text
    assert said in answered.text


async def test_a_cohort_that_refers_to_itself_is_refused(api: Api) -> None:
    first = await _made(api, BUYERS)
    second = await _made(api, {"did": {"filter": {"cohort": first}}})
    for definition in ({"cohort": first}, {"cohort": second}, {"did": {"filter": {"not": {"cohort": second}}}}):
        answered = await api.ask("PATCH", f"/api/v1/cohorts/{first}", "admin", json={"definition": definition})
        assert answered.status_code == 400, answered.text
        assert "refers to itself" in answered.text
    assert await _members_of(api, first) == [{"user_id": "ann"}]
