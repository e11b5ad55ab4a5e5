"""Saved funnels: what is kept of them answers as the events do, whatever was stored when, twice or late."""

import random
from collections.abc import Iterator
from dataclasses import replace
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from msgspec import structs

from clickhouse import people
from clickhouse.client import Client
from clickhouse.funnels import build, view
from clickhouse.reports.filter import Condition, InCohort, Parameters
from clickhouse.reports.funnel import Exclusion, FunnelAnswer, FunnelQuery, Step
from clickhouse.reports.funnel_answer import answer
from clickhouse.reports.funnel_attempts import fits
from clickhouse.reports.funnel_saved import can_be_kept, chosen
from clickhouse.reports.funnel_straight import is_straight
from clickhouse.reports.scope import Scope
from pulse.errors import QueryError
from tests.migrated import migrate
from tests.reports.events import BEGIN, DAY, SITE, Event, fill, some

NOW = BEGIN + 9 * DAY
ZONE = "America/New_York"
STEPS = (
    Step("page_view", Condition("path", "eq", ("/", "/a"))),
    Step("signup", Condition("properties.plan", "ne", ("it's {p0:String}",))),
    Step("page_view"),
    Step("purchase", Condition("revenue", "gte", (10.0,))),
)
STOP = (Exclusion("purchase", 1, 2, Condition("bot", "eq", (True,))),)


@pytest.fixture(scope="module")
def database(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def client(database: Client) -> Iterator[Client]:
    """The store, empty again afterwards."""
    yield database
    for name, _ in database.query("funnels/views").rows:
        database.command(f"DROP TABLE {name} SYNC")
    for table in ("events", "funnel_steps", "funnel_builds", "identity_links"):
        database.command(f"TRUNCATE TABLE {table} SYNC")


def funnel(site: str = SITE, **given: Any) -> FunnelQuery:
    return FunnelQuery(Scope(site, BEGIN, BEGIN + 9 * DAY, ZONE), STEPS, 3 * DAY, **{"exclusions": STOP} | given)


def questions() -> list[FunnelQuery]:
    """Questions that the rows of one and the same saved funnel can answer."""
    asked = funnel()
    narrow = replace(asked.scope, filter=Condition("country", "eq", ("AT", "")), bots="exclude", start_ms=BEGIN + DAY)
    return [
        asked,
        replace(asked, scope=narrow, window_ms=60_000),
        replace(asked, count="visitors", breakdown="browser", attribution=0),
        replace(asked, count="totals", breakdown="device_type", begins=tuple(BEGIN + n * DAY for n in range(9))),
        replace(asked, hold="country", steps=(STEPS[0], *(replace(step, optional=True) for step in STEPS[1:]))),
    ]


def save(client: Client, asked: FunnelQuery, name: str = "f1") -> None:
    bound = Parameters()
    build.save(client, build.kept_of(asked.scope.site_id, name, fits(asked, bound), bound))


def same(client: Client, most: int = 1) -> None:
    """The answers of what is kept are those of the events, each of which counts once."""
    client.command("OPTIMIZE TABLE events FINAL")
    for asked in questions()[:most]:
        kept, raw = answer(client, asked, NOW), raw_answer(client, asked)
        assert (kept.source, raw.source) == ("funnel_steps", "events"), asked
        assert (kept.whole, kept.values, kept.buckets) == (raw.whole, raw.values, raw.buckets), asked
    assert answer(client, questions()[0], NOW).whole[0].count > 0


def raw_answer(client: Client, asked: FunnelQuery) -> FunnelAnswer:
    """Asked of the events: a step's bit more that none fits makes it another funnel than any that is saved."""
    never = Exclusion("never", 1, 2)
    return answer(client, replace(asked, exclusions=(*asked.exclusions, never)), NOW)


def test_it_answers_as_the_events_do_while_more_are_stored(client: Client) -> None:
    dice = random.Random(7)
    blocks = [some(dice, 120) for _ in range(12)]
    blocks = [[renamed(event, n) for event in block] for n, block in enumerate(blocks)]
    for block in blocks[:4]:
        fill(client, block)
    is_made, rest = Flag(), iter(blocks[4:])

    def go_on() -> None:
        for block in rest:
            fill(client, block)
            if is_made.is_set():
                break

    storing = Thread(target=go_on)
    storing.start()
    save(client, funnel())
    build.mend(client)
    is_made.set()
    storing.join()
    same(client, 5)

    for block in [*rest, blocks[3], blocks[6]]:
        fill(client, block)
    same(client, 5)


def renamed(event: Event, block: int) -> Event:
    return structs.replace(event, event_id=event.event_id[:-4] + f"{block:04x}")


@pytest.mark.parametrize("names", [("page_view", "signup", "purchase"), ("page_view", None, "page_view", "purchase")])
def test_steps_that_simply_follow_one_another_are_told_alike(client: Client, names: tuple[str | None, ...]) -> None:
    """With nothing to end an attempt they are told in another way; what is asked of the events has an exclusion, which never is."""
    dice = random.Random(len(names))
    asked = replace(funnel(), steps=tuple(map(Step, names)), exclusions=())
    save(client, asked)
    build.mend(client)
    blocks = [[renamed(event, n) for event in some(dice, 400, 1 + 9 * (n % 2))] for n in range(3)]
    for block in [*blocks, blocks[1]]:
        fill(client, block)
    client.command("OPTIMIZE TABLE events FINAL")
    later = replace(asked.scope, bots="exclude", start_ms=BEGIN + DAY // 3, end_ms=BEGIN + 2 * DAY)
    for each in (
        asked,
        replace(asked, count="visitors", window_ms=60_000),
        replace(asked, scope=later, hold="country"),
    ):
        kept, raw = answer(client, each, NOW), raw_answer(client, each)
        assert (is_straight(each), kept.source, raw.source) == (True, "funnel_steps", "events")
        assert kept.whole == raw.whole
        assert kept.whole[0].count > 0


def test_what_is_stored_in_any_order_between_the_steps_of_saving_is_there_once(client: Client) -> None:
    dice = random.Random(3)
    before, between, after = ([renamed(event, n) for event in some(dice, 150)] for n in range(3))
    fill(client, before)
    save(client, funnel())
    entries = [each.entry for each in build.every(client)]
    view.renew(client, entries, lambda: {entry.build for entry in entries})
    fill(client, between)
    assert chosen(client, funnel()).build is None
    build.mend(client)
    fill(client, after)
    same(client)


def test_people_who_were_identified_since_count_as_in_the_events(client: Client) -> None:
    dice = random.Random(9)
    blocks = [[renamed(event, n) for event in some(dice, 200)] for n in range(2)]
    fill(client, blocks[0])
    save(client, funnel())
    build.mend(client)
    visitors = sorted({event.visitor_id for block in blocks for event in block if event.visitor_id})[:3]
    first = blocks[1][0]
    ada = [structs.replace(first, event="identify", visitor_id=each, user_id="ada") for each in visitors]
    fill(client, [*blocks[1], *(renamed(event, n + 2) for n, event in enumerate(ada))])
    client.command("OPTIMIZE TABLE events FINAL")
    client.command(f"SYSTEM RELOAD DICTIONARY {people.dictionary_of(client.database)}")
    known = replace(funnel().scope, people=people.dictionary_of(client.database))
    for count in ("visitors", "users", "totals"):
        asked = replace(funnel(), count=count)
        kept, raw = (ask(client, replace(asked, scope=known)) for ask in (lambda c, a: answer(c, a, NOW), raw_answer))
        assert (kept.source, raw.source) == ("funnel_steps", "events")
        assert (kept.whole, kept.buckets) == (raw.whole, raw.buckets), count
        if count == "visitors":
            assert kept.whole[0].count < answer(client, asked, NOW).whole[0].count


def test_several_funnels_do_not_see_each_other(client: Client) -> None:
    dice = random.Random(4)
    save(client, funnel())
    save(client, funnel("other"), "f2")
    save(client, replace(funnel(), steps=STEPS[:2], exclusions=()), "f3")
    build.mend(client)
    fill(client, [event for _ in range(3) for event in some(dice, 120)])
    same(client, 2)
    assert len(client.query("funnels/views").rows) == 1

    build.remove(client, "other", "f2")
    same(client)
    assert chosen(client, funnel("other")).build is None
    build.remove(client, SITE, "f1")
    build.remove(client, SITE, "f3")
    assert chosen(client, funnel()).build is None
    assert client.query("funnels/views").rows == []
    client.command("ALTER TABLE funnel_steps DELETE WHERE 0 SETTINGS mutations_sync = 2")
    assert client.query("funnels/stored").rows == []


def test_other_steps_under_the_same_name_take_the_place_of_the_former(client: Client) -> None:
    fill(client, some(random.Random(8), 120))
    save(client, replace(funnel(), steps=STEPS[:2], exclusions=()))
    build.mend(client)
    save(client, funnel())
    assert chosen(client, funnel()).build is None
    build.mend(client)
    same(client)


def test_rows_are_not_trusted_once_stored_events_are_replaced_until_they_are_built_anew(client: Client) -> None:
    fill(client, some(random.Random(9), 150))
    save(client, funnel())
    build.mend(client)
    build.distrust(client)
    assert answer(client, funnel(), NOW).source == "events"
    client.command("ALTER TABLE events DELETE WHERE country = 'AT' SETTINGS mutations_sync = 2")
    build.distrust(client)
    build.mend(client)
    same(client)


def test_rows_that_no_view_goes_on_writing_are_not_trusted(client: Client) -> None:
    save(client, funnel())
    build.mend(client)
    for name, _ in client.query("funnels/views").rows:
        client.command(f"DROP TABLE {name} SYNC")
    assert chosen(client, funnel()).build is None


@pytest.mark.parametrize(
    "asked",
    [
        funnel(order="strict"),
        funnel(count="sessions"),
        replace(funnel(), window_ms=None),
        replace(funnel(), steps=(Step("signup", InCohort("c")), Step("purchase"))),
    ],
)
def test_some_funnels_cannot_be_kept(asked: FunnelQuery) -> None:
    assert not can_be_kept(asked)


def test_what_is_not_among_the_columns_is_asked_of_the_events(client: Client) -> None:
    save(client, funnel())
    build.mend(client)
    assert chosen(client, funnel()).build is not None
    for asked in (
        funnel(breakdown="path"),
        funnel(hold="properties.plan"),
        replace(funnel(), scope=replace(funnel().scope, filter=Condition("properties.plan", "is_set"))),
    ):
        assert answer(client, asked, NOW).source == "events"


def test_steps_that_could_keep_events_from_being_stored_are_refused(client: Client) -> None:
    asked = replace(funnel(), steps=(Step("signup", Condition("path", "matches", ("(",))), Step("purchase")))
    bound = Parameters()
    with pytest.raises(QueryError, match="regular expression"):
        build.check(client, build.kept_of(SITE, "f1", fits(asked, bound), bound))
    bound = Parameters()
    build.check(client, build.kept_of(SITE, "f1", fits(funnel(), bound), bound))
