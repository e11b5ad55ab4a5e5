"""Who was there on which days: rows that tell it, and days of which they do not, which are noticed and read from the events."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from clickhouse import activity
from clickhouse.client import ONE_MOMENT, Answer, Client
from clickhouse.migrate import FOLDER, migrate, read
from clickhouse.reports.activity import Activity, unsure
from clickhouse.reports.daybits import quarter_of
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import Happening
from clickhouse.reports.lifecycle import answer as lifecycle
from clickhouse.reports.retention import RetentionQuery, answer
from clickhouse.reports.scope import Scope
from tests.reports.events import BEGIN, DAY, Event, fill, some
from tests.reports.retention import cohorts

START = BEGIN + 22 * DAY
"""Some days before a quarter ends."""
FIRST = START // DAY
NOW = START + 90 * DAY
END = START + 9 * DAY
MOMENTS = """
SELECT
    (SELECT sleep(0.1)) AS slept,
    (SELECT count() FROM moments WHERE site_id = 'a') AS before,
    (SELECT sleep(0.2)) = 0 ? (SELECT sum(m) FROM moments WHERE site_id = 'a' AND n >= 0) : 0 AS after,
    told.s
FROM (SELECT sum(m) AS s FROM moments WHERE site_id = 'a') AS told
"""
ROWS = """
SELECT site_id, quarter, day, event, bot, visitor, person, named, any(visitor_id), groupBitOr(days), sum(events)
FROM activity GROUP BY ALL ORDER BY ALL
"""


def _events() -> list[Event]:
    """Of visitors of whom new ones come every day."""
    dice = random.Random(31)
    made = [each for _ in range(8) for each in some(dice, 120)]
    return [
        structs.replace(
            each,
            site_id="shop",
            event_id=f"{n:032x}",
            ts=each.ts - BEGIN + START,
            visitor_id=f"v{dice.randrange(5) + (each.ts - BEGIN) // DAY}",
            user_id="" if n % 4 else each.user_id,
        )
        for n, each in enumerate(made)
    ]


EVENTS = _events()
UNSEEN = Event(site_id="shop", ts=START + 3 * DAY, visitor_id="unseen", event_id="f" * 32)


@pytest.fixture
def client(migrated: Client) -> Client:
    fill(migrated, EVENTS)
    return migrated


def question(**more: Any) -> RetentionQuery:
    """By days, from the third on."""
    grid = Grid(tuple(START + n * DAY for n in range(2, 10)))
    query = RetentionQuery(Scope("shop", grid.start_ms, END), grid, tuple((n, n) for n in range(8)))
    return replace(query, **more)


def told(client: Client, query: RetentionQuery) -> tuple[list[tuple[int, list[float]]], str]:
    found = answer(client, query, NOW)
    return [(c.size, [cell.value or 0 for cell in c.cells]) for c in found.groups[0].cohorts], found.source


def by_hand(events: list[Event], query: RetentionQuery) -> list[tuple[int, list[float]]]:
    return cohorts(events, query, "day")[""]


def unseen(client: Client) -> None:
    """Store an event that the view does not see."""
    client.command("DETACH TABLE activity_of_events SYNC")
    fill(client, [UNSEEN])
    client.command("ATTACH TABLE activity_of_events")


def test_days_of_whose_events_the_rows_are_not_are_read_from_the_events_until_they_are_made_anew(
    client: Client,
) -> None:
    queries = [question(), question(start=Happening("signup")), question(unit="visitors", kind="recurring")]
    for query in queries:
        assert told(client, query) == (by_hand(EVENTS, query), "activity")
    assert unsure(client, "shop", 0, FIRST + 90) == frozenset()
    client.command(
        "ALTER TABLE events DELETE WHERE visitor_id IN ('v4', 'v5', 'v6') AND toUInt16(toDate(ts)) % 2 = 0",
        mutations_sync=2,
    )
    left = [each for each in EVENTS if each.visitor_id not in ("v4", "v5", "v6") or each.ts // DAY % 2]
    assert unsure(client, "shop", 0, FIRST + 90) == {each.ts // DAY for each in EVENTS if each not in left}
    for query in queries:
        assert by_hand(left, query) != by_hand(EVENTS, query)
        assert told(client, query)[0] == by_hand(left, query)
    assert activity.mend(client, "shop", NOW) == 2
    assert (unsure(client, "shop", 0, FIRST + 90), activity.mend(client, "shop", NOW)) == (frozenset(), 0)
    for query in queries:
        assert told(client, query) == (by_hand(left, query), "activity")


def test_an_insert_of_which_only_the_events_are_stored_is_noticed(client: Client) -> None:
    unseen(client)
    assert unsure(client, "shop", 0, FIRST + 90) == {FIRST + 3}
    assert told(client, question())[0] == by_hand([*EVENTS, UNSEEN], question())
    there = Activity(question().scope, "users", question().grid, True)
    assert sum(stage.counts["new"] for stage in lifecycle(client, there, NOW).stages) >= 1


class Overtaken(Client):
    """A client that does something before one of its statements, or each."""

    def __init__(self, client: Client, does: Callable[[str], None]) -> None:
        super().__init__(client._url)
        self.does = does

    def ask(self, statement: str, parameters: Any = None, **settings: object) -> Answer:
        self.does(statement)
        return super().ask(statement, parameters, **settings)

    def command(self, statement: str, parameters: Any = None, **settings: object) -> object:
        self.does(statement)
        return super().command(statement, parameters, **settings)


def test_rows_that_are_gone_when_they_are_read_are_noticed(client: Client) -> None:
    def drops(statement: str) -> None:
        if "groupBitOr" in statement or "units" in statement:
            activity.forget(client, 202603)

    expected = by_hand(EVENTS, question())
    asked = Overtaken(client, drops)
    asked.sees_one_moment = lambda: False  # type: ignore[method-assign]
    assert told(asked, question()) == (expected, "events")
    assert told(client, question())[0] == expected


def test_rows_that_are_gone_are_noticed_by_the_statement_that_reads_them(client: Client) -> None:
    statements = []

    def counts(statement: str) -> None:
        statements.append(statement)
        if "is_sure" in statement and len(statements) == 3:
            activity.forget(client, 202603)

    asked = Overtaken(client, counts)
    assert asked.sees_one_moment()
    for _ in range(2):
        assert told(asked, question()) == (by_hand(EVENTS, question()), "activity")
    assert [n for n, each in enumerate(statements) if "is_sure" in each] == [1, 2]
    assert len(statements) > 3


def test_days_in_doubt_are_asked_of_the_events_at_once_the_next_time(client: Client) -> None:
    statements = list[str]()
    asked = Overtaken(client, statements.append)
    assert asked.sees_one_moment()
    unseen(client)
    expected = (by_hand([*EVENTS, UNSEEN], question()), "activity")
    assert told(asked, question()) == expected
    statements.clear()
    assert told(asked, question()) == expected
    assert len(statements) == 1
    fill(client, [structs.replace(UNSEEN, event_id="e" * 32, visitor_id="another")])
    client.command("ALTER TABLE events DELETE WHERE visitor_id = 'v4'", mutations_sync=2)
    left = [
        each for each in [*EVENTS, UNSEEN, structs.replace(UNSEEN, visitor_id="another")] if each.visitor_id != "v4"
    ]
    assert told(asked, question())[0] == by_hand(left, question())


def test_a_statement_reads_a_table_as_it_is_at_one_moment_however_often_it_names_it(client: Client) -> None:
    """What days are trusted by: rows that come while a statement is read are seen by all of it, or by none of it."""
    client.command("CREATE TABLE moments (site_id String, n UInt64, m UInt64) ENGINE = MergeTree ORDER BY (site_id, n)")
    ended = Flag()

    def insert() -> None:
        own = Client(client._url)
        for n in range(10_000):
            if ended.is_set():
                break
            own.command("INSERT INTO moments SELECT 'a', {n:UInt64}, 1", {"n": n})
        own.close()

    with ThreadPoolExecutor(1) as beside:
        beside.submit(insert)
        found = [client.ask(MOMENTS, {}, **ONE_MOMENT).rows[0] for _ in range(5)]
        ended.set()
    assert [row for row in found if len(set(row[1:])) > 1] == []
    assert len({row[1] for row in found}) > 1


def test_days_that_make_up_for_each_other_are_made_anew_in_the_night(client: Client) -> None:
    unseen(client)
    gone = EVENTS[0]
    client.command(f"ALTER TABLE events DELETE WHERE event_id = toUUID('{UUID(gone.event_id)}')", mutations_sync=2)
    assert gone.ts // DAY != FIRST + 3
    assert unsure(client, "shop", 0, FIRST + 90) == frozenset()
    assert activity.mend(client, "shop", NOW) >= 1
    assert told(client, question()) == (by_hand([*EVENTS[1:], UNSEEN], question()), "activity")


@pytest.mark.parametrize("dies_before", ["ALTER", "INSERT INTO activity (site_id, quarter, day, event, bot", "nothing"])
def test_rows_that_are_made_anew_are_not_trusted_before_they_are_whole(client: Client, dies_before: str) -> None:
    doubts = 0

    def dies(statement: str) -> None:
        nonlocal doubts
        doubts += "{doubt:Int64}" in statement
        if dies_before in statement or doubts == 2:
            raise SystemExit

    unseen(client)
    with pytest.raises(SystemExit):
        activity.mend(Overtaken(client, dies), "shop", NOW)
    first = quarter_of(FIRST)
    assert unsure(client, "shop", 0, first + 90) == set(range(first, first + 90))
    assert told(client, question())[0] == by_hand([*EVENTS, UNSEEN], question())
    assert activity.mend(client, "shop", NOW) == 1
    assert told(client, question()) == (by_hand([*EVENTS, UNSEEN], question()), "activity")


def test_what_is_stored_while_rows_are_made_anew_is_counted_once(client: Client) -> None:
    now = START + 6 * DAY
    late: list[Event] = []

    def stores(statement: str) -> None:
        late.append(Event(site_id="shop", ts=now, visitor_id=f"late{len(late)}", event_id=f"{len(late) + 1:032d}"))
        fill(client, late[-1:])

    unseen(client)
    assert activity.mend(Overtaken(client, stores), "shop", now) == 1
    assert len(late) > 4
    assert unsure(client, "shop", 0, FIRST + 90) == frozenset()
    assert told(client, question()) == (by_hand([*EVENTS, UNSEEN, *late], question()), "activity")


def test_what_was_stored_before_there_were_such_rows_is_told_alike(
    clickhouse: str, client: Client, tmp_path: Path
) -> None:
    expected = client.ask(ROWS).rows
    for each in FOLDER.glob("00*.sql"):
        if each.name < "0020":
            (tmp_path / each.name).write_bytes(each.read_bytes())
    before = client.within(f"{client.database}_before")
    migrate(before, tmp_path)
    try:
        fill(before, EVENTS)
        migrate(before)
        assert before.ask(ROWS).rows == expected
        assert told(before, question()) == (by_hand(EVENTS, question()), "activity")
        before.command("TRUNCATE TABLE activity")
        *_, counts, present = read(FOLDER / "0020_activity.sql").statements
        before.command(counts)
        unseen(before)
        before.command(present)
        assert told(before, question())[0] == by_hand([*EVENTS, UNSEEN], question())
    finally:
        for database in (before.database, f"{before.database}_analytics"):
            client.command("DROP DATABASE IF EXISTS {database:Identifier} SYNC", {"database": database})
