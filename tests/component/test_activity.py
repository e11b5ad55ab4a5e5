"""Who was there on which days: rows that tell it, and days of which they do not, which are noticed and read from the events."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from clickhouse import activity
from clickhouse.client import Client
from clickhouse.migrate import FOLDER, migrate
from clickhouse.reports.activity import Activity, unsure
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


def test_days_of_whose_events_the_rows_are_not_are_read_from_the_events_until_they_are_made_anew(
    client: Client,
) -> None:
    queries = [question(), question(start=Happening("signup")), question(unit="visitors", kind="recurring")]
    for query in queries:
        assert told(client, query) == (by_hand(EVENTS, query), "activity")
    assert unsure(client, "shop", FIRST + 90) == frozenset()
    client.command(
        "ALTER TABLE events DELETE WHERE visitor_id IN ('v4', 'v5', 'v6') AND toUInt16(toDate(ts)) % 2 = 0",
        mutations_sync=2,
    )
    left = [each for each in EVENTS if each.visitor_id not in ("v4", "v5", "v6") or each.ts // DAY % 2]
    assert unsure(client, "shop", FIRST + 90) == {each.ts // DAY for each in EVENTS if each not in left}
    for query in queries:
        assert by_hand(left, query) != by_hand(EVENTS, query)
        assert told(client, query)[0] == by_hand(left, query)
    assert activity.mend(client, "shop", NOW) == 2
    assert (unsure(client, "shop", FIRST + 90), activity.mend(client, "shop", NOW)) == (frozenset(), 0)
    for query in queries:
        assert told(client, query) == (by_hand(left, query), "activity")


def test_an_insert_of_which_only_the_events_are_stored_is_noticed(client: Client) -> None:
    client.command("DETACH TABLE activity_of_events SYNC")
    unseen = Event(site_id="shop", ts=START + 3 * DAY, visitor_id="unseen", event_id="f" * 32)
    fill(client, [unseen])
    client.command("ATTACH TABLE activity_of_events")
    assert unsure(client, "shop", FIRST + 90) == {FIRST + 3}
    assert told(client, question())[0] == by_hand([*EVENTS, unseen], question())
    there = Activity(question().scope, "users", question().grid, True)
    assert sum(stage.counts["new"] for stage in lifecycle(client, there, NOW).stages) >= 1


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
    finally:
        for database in (before.database, f"{before.database}_analytics"):
            client.command("DROP DATABASE IF EXISTS {database:Identifier} SYNC", {"database": database})
