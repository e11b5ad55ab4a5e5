"""Funnels against a reference by hand, over random events and questions; and over HTTP."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from api.query.bucket import begins
from clickhouse.client import Client
from clickhouse.reports.filter import NOTHING, Condition, Filter, Not
from clickhouse.reports.funnel import Exclusion, FunnelQuery, Line, Order, Step
from clickhouse.reports.funnel_answer import answer, people
from clickhouse.reports.funnel_straight import is_straight
from clickhouse.reports.scope import Scope
from pulse.errors import QueryError
from tests.migrated import migrate
from tests.reports import funnel as by_hand
from tests.reports.events import BEGIN, DAY, Event, fill, some

SETS = 40
QUESTIONS_A_SET = 4
ZONE = "America/New_York"
ORDERS: tuple[Order, ...] = ("ordered", "ordered", "strict", "any")
NAMES = ("page_view", "signup", "purchase", None)
FILTERS: tuple[Filter, ...] = (
    NOTHING,
    NOTHING,
    Condition("path", "eq", ("/", "/a")),
    Condition("properties.price", "gte", (2.0,)),
    Not(Condition("country", "eq", ("AT",))),
)
FIELDS = ("country", "path", "properties.plan", "properties.price", "bot")
WINDOWS = (1_000, 60_000, 61_000, 3_600_000, 3 * DAY, 14 * DAY, None)
NOW = BEGIN + 9 * DAY


def data_sets() -> list[list[Event]]:
    dice = random.Random(11)
    found = []
    for n in range(SETS):
        events = some(dice, dice.choice((5, 40, 120)), dice.choice((1, 2, 10)))
        found.append([structs.replace(event, site_id=f"{event.site_id}{n}") for event in events])
    return found


DATA = data_sets()


@pytest.fixture(scope="module")
def client(clickhouse_url: str) -> Iterator[Client]:
    made = Client(clickhouse_url, f"funnels_{uuid4().hex[:12]}")
    whole = made.within(None)
    whole.command(f"CREATE DATABASE {made.database}")
    migrate(made)
    fill(made, [event for events in DATA for event in events])
    yield made
    made.close()
    whole.command(f"DROP DATABASE {made.database} SYNC")
    whole.close()


def question(dice: random.Random, number: int) -> FunnelQuery:
    """A random question about a data set."""
    start = BEGIN + dice.choice((0, 0, 0, DAY // 3))
    end = start + dice.choice((DAY, 3 * DAY, 10 * DAY))
    order = dice.choice(ORDERS)
    steps = [Step(dice.choice(NAMES), dice.choice(FILTERS)) for _ in range(dice.choice((2, 2, 3, 3, 4, 6, 12)))]
    exclusions: list[Exclusion] = []
    if order == "any":
        steps = steps if len(steps) > 1 and len(set(steps)) == len(steps) else [Step("page_view"), Step("purchase")]
    else:
        steps = [steps[0], *(replace(each, optional=dice.random() < 0.2) for each in steps[1:])]
        for _ in range(dice.choice((0, 0, 1, 2, 8))):
            first, last = sorted(dice.sample(range(1, len(steps) + 1), 2))
            exclusions.append(Exclusion(dice.choice(NAMES[:3]), first, last, dice.choice(FILTERS)))
    return FunnelQuery(
        Scope(
            f"shop{number}",
            start,
            end,
            ZONE,
            dice.choice(FILTERS),
            dice.choice(("include", "exclude")),
        ),
        tuple(steps),
        dice.choice(WINDOWS),
        order,
        tuple(exclusions),
        dice.choice(("users", "visitors", "sessions", "totals")),
        dice.choice((None, None, *FIELDS)),
        dice.choice((None, *FIELDS)),
        dice.choice((0, 1, 2, len(steps))),
        tuple(begins(dice.choice(("day", "week")), start, end, ZoneInfo(ZONE))) if dice.random() < 0.5 else (),
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(SETS))
def test_every_step_is_counted_as_by_hand(client: Client, number: int) -> None:
    dice = random.Random(number)
    for _ in range(QUESTIONS_A_SET):
        asked = question(dice, number)
        attempts = by_hand.attempts(asked, DATA[number])
        found = answer(client, asked, NOW)

        same(found.whole, by_hand.line(asked, attempts, NOW), asked)
        if asked.breakdown:
            expected = by_hand.values(asked, attempts, NOW)
            assert [value for value, _ in found.values] == [value for value, _ in expected], asked
            for (_, line), (_, other) in zip(found.values, expected, strict=True):
                same(line, other, asked)
        if asked.begins:
            by_bucket = by_hand.buckets(asked, attempts, NOW)
            assert list(found.buckets) == list(by_bucket)
            for begin, line in found.buckets.items():
                same(line, by_bucket[begin], asked)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(SETS))
def test_steps_that_simply_follow_one_another_are_counted_as_by_hand(client: Client, number: int) -> None:
    """Most funnels: nothing is optional, excluded or told by values."""
    dice = random.Random(1_000 + number)
    for _ in range(QUESTIONS_A_SET):
        names = (
            dice.sample(NAMES[:3], dice.choice((2, 3)))
            if dice.random() < 0.5
            else dice.choices(NAMES, k=dice.choice((2, 3, 4, 6)))
        )
        asked = replace(
            question(dice, number),
            order="ordered",
            steps=tuple(Step(name, dice.choice(FILTERS)) for name in names),
            exclusions=(),
            breakdown=None,
            attribution=1,
            count=dice.choice(("users", "visitors", "sessions")),
        )
        assert is_straight(asked)
        attempts = by_hand.attempts(asked, DATA[number])
        found = answer(client, asked, NOW)
        same(found.whole, by_hand.line(asked, attempts, NOW), asked)
        for begin, line in by_hand.buckets(asked, attempts, NOW).items():
            same(found.buckets[begin], line, asked)
        reached = {each.who for each in attempts if each.times[1]}
        assert [each.who for each in people(client, asked, 2, "reached", "", 1_000)] == sorted(reached), asked


def same(found: Line, expected: Line, asked: FunnelQuery) -> None:
    """Both lines, times to a microsecond."""
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.count, ours.unfinished) == (theirs.count, theirs.unfinished), (found, expected, asked)
        for one, other in ((ours.since_before, theirs.since_before), (ours.since_first, theirs.since_first)):
            assert (one is None) == (other is None), asked
            if one and other:
                assert one.median == pytest.approx(other.median, abs=1e-6), asked
                assert one.p90 == pytest.approx(other.p90, abs=1e-6), asked
                assert one.bins == other.bins, asked


@pytest.mark.timeout(900)
def test_people_are_those_that_are_counted(client: Client) -> None:
    dice = random.Random(5)
    for number in range(SETS):
        asked = question(dice, number)
        attempts = by_hand.attempts(asked, DATA[number])
        step = dice.randrange(1, len(asked.steps) + 1)
        reached = {each.who for each in attempts if each.times[step - 1]}
        lost = {each.who for each in attempts if each.level == step}

        assert [each.who for each in people(client, asked, step, "reached", "", 1_000)] == sorted(reached), asked
        if step < len(asked.steps):
            assert [each.who for each in people(client, asked, step, "lost", "", 1_000)] == sorted(lost), asked


def test_twenty_steps_of_one_visitor(client: Client) -> None:
    events = [
        Event(site_id="long", event=f"e{n % 20}", ts=BEGIN + n * 1_000, visitor_id="v", event_id=f"{n:032x}")
        for n in range(60)
    ]
    fill(client, events)
    steps = tuple(Step(f"e{n}") for n in range(20))
    scope = Scope("long", BEGIN, BEGIN + DAY)
    for order in ORDERS[1:]:
        found = answer(client, FunnelQuery(scope, steps, DAY, order), BEGIN)
        assert [each.count for each in found.whole] == [1] * 20
        assert [each.since_before.median for each in found.whole[1:] if each.since_before] == [1.0] * 19
    totals = answer(client, FunnelQuery(scope, steps, DAY, count="totals"), BEGIN)
    assert [each.count for each in totals.whole] == [3] * 20


def test_more_values_than_are_told_one_by_one_stand_together(client: Client) -> None:
    events = [
        Event(site_id="many", ts=BEGIN + n, visitor_id=f"v{n}", path=f"/{n % 30:02}", event_id=f"{n:032x}")
        for n in range(59)
    ]
    fill(client, events)
    steps = (Step("page_view"), Step("purchase"))
    found = answer(client, FunnelQuery(Scope("many", BEGIN, BEGIN + DAY), steps, DAY, breakdown="path"), BEGIN)
    assert [value for value, _ in found.values] == [f"/{n:02}" for n in range(25)] + [None]
    assert found.values[-1][1][0].count == 9


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": (Step("a"),)}, "steps: a funnel has 2 to 20"),
        ({"steps": tuple(Step(str(n)) for n in range(21))}, "steps: a funnel has 2 to 20"),
        ({"steps": (Step("a", optional=True), Step("b"))}, r"steps\[0\].optional"),
        ({"exclusions": (Exclusion("x", 2, 2),)}, r"exclusions\[0\]: from_step must come before to_step"),
        ({"exclusions": (Exclusion("x", 1, 3),)}, r"exclusions\[0\]"),
        ({"order": "any", "exclusions": (Exclusion("x", 1, 2),)}, "exclusions: steps in any order"),
        ({"order": "any", "steps": (Step("a"), Step("a"))}, r"steps\[1\]: is the same"),
        ({"attribution": 3}, "attribution: the funnel has steps 1 to 2"),
        ({"hold": "nothing"}, "hold: there is no field"),
        ({"breakdown": "nothing"}, "breakdown: there is no field"),
        ({"steps": (Step("a"), Step("b", Condition("x", "eq", ("1",))))}, r"steps\[1\].filter.field"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_place(client: Client, changed: dict[str, object], said: str) -> None:
    asked = FunnelQuery(Scope("shop", BEGIN, BEGIN + DAY), (Step("a"), Step("b")), DAY)
    with pytest.raises(QueryError, match=said):
        answer(client, replace(asked, **changed), NOW)  # type: ignore[arg-type]


def test_pages_of_people_hold_each_once(client: Client) -> None:
    asked = FunnelQuery(Scope("shop2", BEGIN, BEGIN + 10 * DAY), (Step(None), Step("purchase")), DAY)
    everyone = [each.who for each in people(client, asked, 1, "reached", "", 1_000)]
    paged: list[str] = []
    while page := people(client, asked, 1, "reached", paged[-1] if paged else "", 2):
        paged += [each.who for each in page]
    assert paged == everyone
    assert all(one < other for one, other in pairwise(paged))
