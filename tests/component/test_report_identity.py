"""One person on several devices: every report that counts people against references by hand, and what may undo it."""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from msgspec import structs

from api.query import lifecycle as lifecycle_route
from clickhouse import people, stats
from clickhouse.claims import correct
from clickhouse.client import Client
from clickhouse.reports import funnel_answer, journeys, lifecycle, newness, query, retention, stickiness
from clickhouse.reports.activity import Activity
from clickhouse.reports.cohort import Any as AnyOfThese
from clickhouse.reports.cohort import Cohort, Did, Listed
from clickhouse.reports.cohort_people import members, put
from clickhouse.reports.funnel import FunnelQuery, Line, Step
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import Happening
from clickhouse.reports.journeys import JourneysQuery
from clickhouse.reports.metric import metric_of
from clickhouse.reports.retention import RetentionQuery
from clickhouse.reports.scope import Scope
from tests.eventually import eventually_told
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports import activity, visits
from tests.reports import funnel as funnel_by_hand
from tests.reports import journeys as journeys_by_hand
from tests.reports import retention as retention_by_hand
from tests.reports.events import BEGIN, DAY, SPREAD, Event, fill, some
from tests.reports.people import as_users, as_visitors, behind

SETS = 12
DAYS = tuple(BEGIN + n * DAY for n in range(12))
LATER = BEGIN + 400 * DAY
UNITS: tuple[Literal["users", "visitors"], ...] = ("users", "visitors")
Unit = Literal["users", "visitors"]
MOMENTS = st.sampled_from((BEGIN + DAY, BEGIN + DAY, BEGIN + 2 * DAY, BEGIN + 8 * DAY))


@st.composite
def identifications(draw: st.DrawFn, number: int) -> Event:
    """Somebody signs in, or is said to have been a visitor; some say nothing that can be used."""
    said = draw(st.sampled_from(("{}", "{}", '{"previous_id": "v1"}', '{"previous_id": ""}', '{"previous_id": 3}')))
    return Event(
        event=draw(st.sampled_from(("identify", "identify", "alias"))),
        ts=draw(MOMENTS),
        event_id=_id(draw(st.integers(1, 40))),
        visitor_id=draw(st.sampled_from(("v0", "v1", "v2", "v3", ""))),
        user_id=draw(st.sampled_from(("u0", "u1", "u2", ""))),
        properties=said,
    )


def _id(number: int) -> str:
    digits = f"{(number + 1_000) * SPREAD % 2**128:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


Pairs = list[tuple[str, str]]


class Asked:
    """A site's events, who is behind its visitors, and the scope that questions have."""

    def __init__(self, client: Client, site: str, events: Sequence[Event], struck: Pairs) -> None:
        self.client = client
        self.site = site
        self.events = events
        self.known = behind(events, struck)
        self.scope = Scope(site, BEGIN, DAYS[-1], people=people.dictionary_of(client.database))

    def by(self, unit: Unit) -> list[Event]:
        """The events as the references are to see them."""
        return (as_users if unit == "users" else as_visitors)(self.events, self.known)


def _sets() -> dict[str, tuple[list[Event], Pairs]]:
    """Sets of events under sites of their own, which share the ids of visitors and people; and what is undone there."""
    found: dict[str, tuple[list[Event], Pairs]] = {}
    dice = random.Random(31)

    @limits(max_examples=SETS, database=None, derandomize=True)
    @given(st.lists(identifications(0), max_size=6), st.lists(st.sampled_from(PAIRS), max_size=2, unique=True))
    def make(named: list[Event], struck: Pairs) -> None:
        site = f"set{len(found)}"
        own = [each for each in some(dice, 60) if each.user_id or dice.random() < 0.8]
        once = {each.event_id: each for each in (*own, *named)}
        found[site] = ([structs.replace(each, site_id=site) for each in once.values()], struck)

    make()
    return found


PAIRS = [("v0", "u0"), ("v0", ""), ("v1", "u1"), ("v1", "u2"), ("v2", "u0")]
DATA = _sets()


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    everything = [event for events, _ in DATA.values() for event in events]
    random.Random(32).shuffle(everything)
    for part in (everything[: len(everything) // 2], everything[len(everything) // 3 :]):
        fill(made, part)
    made.command("OPTIMIZE TABLE events FINAL")
    for site, (_, struck) in DATA.items():
        for visitor, person in struck:
            correct(made, site, visitor, person, True, LATER)
    _reload(made)
    yield made
    made.close()


def _reload(client: Client) -> None:
    client.command(f"SYSTEM RELOAD DICTIONARY {people.dictionary_of(client.database)}")


@pytest.fixture(params=DATA)
def asked(request: pytest.FixtureRequest, client: Client) -> Asked:
    return Asked(client, request.param, *DATA[request.param])


def test_the_view_and_the_dictionary_tell_who_is_behind_whom(client: Client) -> None:
    for site, (events, struck) in DATA.items():
        view = f"SELECT visitor_id, user_id FROM {client.database}_analytics.identity WHERE site_id = {{site:String}}"
        assert {row[0]: row[1] for row in client.ask(view, {"site": site}).rows} == behind(events, struck)
        assert bool(people.state(client, site)) == bool(behind(events, struck))
    assert any(len(set(behind(*each).values())) < len(behind(*each)) for each in DATA.values())
    assert any(behind(events) != behind(events, struck) for events, struck in DATA.values())


def test_counts(asked: Asked) -> None:
    metrics = (metric_of("users", ""), metric_of("visitors", ""))
    found = query.answer(asked.client, query.Question(asked.scope, metrics)).now.totals
    right = {unit: len({retention_by_hand.who(each, unit) for each in asked.by(unit)}) for unit in UNITS}
    assert dict(found) == right
    old = stats.StatsQuery(asked.site, "unique_users", BEGIN, DAYS[-1], people=asked.scope.people)
    assert stats.answer(asked.client, old, DAYS[-1]).value == right["users"]
    halfway = Scope(asked.site, BEGIN + 4 * DAY, DAYS[-1], people=asked.scope.people)
    new, right_new = newness.newness(asked.client, halfway), visits.newness(asked.by("visitors"), halfway)
    assert (new.new, new.returning) == (right_new.new, right_new.returning)


@pytest.mark.parametrize("unit", UNITS)
def test_funnels(asked: Asked, unit: Unit) -> None:
    for names in (("page_view", "purchase"), ("page_view", "signup", "purchase"), ("identify", "page_view")):
        steps = tuple(map(Step, names))
        question = FunnelQuery(asked.scope, steps, 3 * DAY, count=unit)
        found = funnel_answer.answer(asked.client, question, LATER).whole
        right = funnel_by_hand.line(question, funnel_by_hand.attempts(question, asked.by(unit)), LATER)
        assert _reached(found) == _reached(right)


def _reached(line: Line) -> list[object]:
    times = [(each.since_before, each.since_first) for each in line]
    bins = [tuple(each and each.bins for each in both) for both in times]
    return [[(each.count, each.unfinished) for each in line], bins]


@pytest.mark.parametrize("unit", UNITS)
def test_retention(asked: Asked, unit: Unit) -> None:
    brackets = tuple((n, n) for n in range(8))
    for kind, back, times in (("first_time", "page_view", 1), ("recurring", "", 1), ("first_ever", "signup", 2)):
        question = RetentionQuery(
            asked.scope,
            Grid(DAYS),
            brackets,
            Happening("page_view"),
            Happening(back),
            kind,  # type: ignore[arg-type]
            minimum_times=times,
            unit=unit,
        )
        groups = retention.answer(asked.client, question, LATER).groups
        found = {each.value: [(c.size, [cell.value or 0 for cell in c.cells]) for c in each.cohorts] for each in groups}
        right = retention_by_hand.cohorts(asked.by(unit), question, "day")
        assert {value: lines for value, lines in found.items() if any(size for size, _ in lines)} == right


@pytest.mark.parametrize("unit", UNITS)
def test_lifecycle_stickiness_and_active_people(asked: Asked, unit: Unit) -> None:
    grid = lifecycle_route.with_period_before(Grid(DAYS), "day", "UTC")
    stages = lifecycle.answer(asked.client, Activity(asked.scope, unit, grid, True), LATER).stages
    right = activity.lifecycle(asked.by(unit), Activity(asked.scope, unit, grid, True), BEGIN, "day")
    assert [stage.counts for stage in stages] == right
    there = Activity(asked.scope, unit, Grid(DAYS), False)
    found = stickiness.answer(asked.client, there, LATER).exactly
    assert {n: count for n, count in enumerate(found, 1) if count} == activity.stickiness(asked.by(unit), there, "day")


@pytest.mark.parametrize("unit", UNITS)
def test_journeys(asked: Asked, unit: Unit) -> None:
    question = JourneysQuery(asked.scope, unit=unit, is_collapsed=False)
    found = journeys.answer(asked.client, question)
    right = journeys_by_hand.expected(asked.by(unit), question)
    assert found.begun == right["begun"]
    nodes = {("node", node.level, node.value): node.journeys for node in found.nodes}
    assert nodes == {cell: count for cell, count in right["cells"].items() if cell[0] == "node"}


@pytest.mark.parametrize("unit", UNITS)
def test_cohorts_by_deeds_and_by_lists(asked: Asked, unit: Unit) -> None:
    mark = {"users": "v", "visitors": ""}[unit]
    put(asked.client, asked.site, f"list_{unit}", [f"{mark}v1"], True, LATER)
    either = AnyOfThese((Did(Happening("purchase"), 0, LATER, at_least=2), Listed(f"list_{unit}")))
    found = members(asked.client, Cohort(asked.site, unit, either, asked.scope.people), {}, LATER, "", 100)
    paid: dict[str, int] = {}
    for each in asked.by(unit):
        who = each.visitor_id if unit == "visitors" else f"u{each.user_id}" if each.user_id else f"v{each.visitor_id}"
        paid[who] = paid.get(who, 0) + (each.event == "purchase")
    person = asked.known.get("v1")
    listed = f"{mark}v1" if person is None else {"users": f"u{person}", "visitors": f"\0{person}"}[unit]
    right = {who for who, times in paid.items() if times >= 2} | {listed}
    assert set(found) == right - {mark}


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse_of_module: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse_of_module)) as made:
        yield made


BORROWED = {"visitor_id": "laptop", "user_id": "ada"}
AT = {"start_date": "2026-03-05", "end_date": "2026-03-15"}


async def test_what_was_done_before_signing_in_is_the_persons_until_that_is_undone(api: Api, client: Client) -> None:
    anonymous = [("phone", "page_view", ""), ("laptop", "page_view", ""), ("laptop", "purchase", "")]
    shop = [_shop(n, *each) for n, each in enumerate(anonymous)]
    fill(client, shop)
    await _counted(api, 2)
    fill(client, [_shop(10, "laptop", "identify", "ada"), _shop(11, "phone", "identify", "ada")])
    fill(
        client,
        [_shop(12, "phone", "identify", "eve"), structs.replace(_shop(13, "phone", "identify", "x"), site_id="blog")],
    )
    await _counted(api, 1)
    steps = {"steps": [{"event": "page_view"}, {"event": "purchase"}], "window": "7d", "step": 2}
    reached = await api.ask("POST", "/api/v1/funnels/people", "reader", json=AT | steps | {"count": "visitors"})
    assert [each["user_id"] for each in reached.json()["data"]] == ["ada"]

    links = (await api.ask("GET", "/api/v1/people/links", "reader", params={"user_id": "ada"})).json()["data"]
    told = [(each["visitor_id"], each["user_id"], each["state"]) for each in links]
    assert told == [("laptop", "ada", "linked"), ("phone", "ada", "linked"), ("phone", "eve", "later")]

    undone = await api.ask("POST", "/api/v1/people/unlink", json=BORROWED | {"site_id": "shop", "reason": "borrowed"})
    assert undone.status_code == 200, undone.text
    await _counted(api, 2)
    links = (await api.ask("GET", "/api/v1/people/links", "reader", params={"visitor_id": "laptop"})).json()["data"]
    assert [each["state"] for each in links] == ["unlinked"]
    again = await api.ask("POST", "/api/v1/people/restore", "shop_admin", json=BORROWED | {"reason": "hers after all"})
    assert again.status_code == 200, again.text
    await _counted(api, 1)

    first = (await api.ask("GET", "/api/v1/people/corrections", "shop_admin", params={"limit": 1})).json()
    rest = await api.ask("GET", "/api/v1/people/corrections", "shop_admin", params={"cursor": first["next_cursor"]})
    lines = [*first["data"], *rest.json()["data"]]
    assert [(each["action"], each["reason"]) for each in lines] == [
        ("restore", "hers after all"),
        ("unlink", "borrowed"),
    ]
    assert [each["key_id"] for each in lines] == [api.ids["shop_admin"], api.ids["admin"]]


def _shop(number: int, visitor: str, event: str, person: str) -> Event:
    moment = BEGIN + DAY + number * 1_000
    return Event(event=event, ts=moment, event_id=_id(100 + number), visitor_id=visitor, user_id=person)


async def _counted(api: Api, visitors: int) -> None:
    """Wait until so many are counted as visitors, over the dictionary's own refreshing."""

    async def counts() -> bool:
        answer = await api.ask("POST", "/api/v1/query", "reader", json=AT | {"metrics": ["visitors"]})
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["totals"]["visitors"] == visitors)

    await eventually_told(counts)


async def test_what_cannot_be_undone_and_who_may_not(api: Api) -> None:
    refused: list[tuple[str, dict[str, Any], str, int, str]] = [
        ("unlink", BORROWED, "shop_admin", 400, "reason: "),
        ("unlink", BORROWED | {"reason": " "}, "shop_admin", 400, "reason: "),
        ("unlink", BORROWED | {"reason": "a\0b"}, "shop_admin", 400, "reason: must not hold the character NUL"),
        ("unlink", BORROWED | {"reason": "x", "visitor_id": "a\0b"}, "shop_admin", 400, "visitor_id: must not hold"),
        ("unlink", BORROWED | {"reason": "x"}, "reader", 403, "admin"),
        ("unlink", BORROWED | {"reason": "x", "site_id": "shop"}, "rival", 404, "there is no site"),
        ("unlink", {"visitor_id": "nobody", "reason": "x"}, "shop_admin", 404, "no event named a person"),
    ]
    for verb, body, key, status, said in refused:
        answer = await api.ask("POST", f"/api/v1/people/{verb}", key, json=body)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    for asked in ({}, {"visitor_id": "a", "user_id": "b"}):
        answer = await api.ask("GET", "/api/v1/people/links", "reader", params=asked)
        assert answer.status_code == 400, answer.text
    assert (
        await api.ask("GET", "/api/v1/people/corrections", "shop_admin", params={"cursor": "eA"})
    ).status_code == 400
    assert (await api.ask("GET", "/api/v1/people/corrections", "reader")).status_code == 403


def test_the_order_of_arrival_makes_no_difference() -> None:
    for events, struck in DATA.values():
        assert behind(reversed(events), struck) == behind(events, struck)
