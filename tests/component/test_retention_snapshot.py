"""Snapshots of retention: made once a night whoever makes them, and what they answer is what the events would."""

import random
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from api.query.nightly import LEASE_MS, Nightly, due_at, snapshot_of, weeks_before
from clickhouse import activity
from clickhouse.bounded import Limits
from clickhouse.client import Client
from clickhouse.reports.filter import Condition
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import Happening
from clickhouse.reports.retention import RetentionQuery, answer
from clickhouse.reports.retention_snapshot import SOURCE, UNITS, WEEKS, answer_with, could_be_kept
from clickhouse.reports.scope import Scope
from deploy.local import port
from pulse.errors import Unavailable
from tests.migrated import migrate
from tests.querying import SITES, Api, querying, settings_of
from tests.reports.events import DAY, Event, fill

NIGHT = due_at(1_796_200_000_000)
"""A Wednesday."""
NOW = NIGHT + 60_000
VIENNA = ZoneInfo("Europe/Vienna")
BEGINS = weeks_before(NIGHT, ZoneInfo("UTC"))
LIMITS = Limits(600, 2_000, 10**9)


def _events() -> list[Event]:
    dice = random.Random(17)
    ages = [dice.randrange(20 * 7 * DAY) for _ in range(800)]
    return [
        Event(
            ts=NIGHT - age,
            visitor_id=f"v{dice.randrange(40) + (140 * DAY - age) // DAY}",
            user_id=dice.choice(("", "", f"u{dice.randrange(20)}")),
            country=dice.choice(("AT", "US")),
            event_id=f"00000000-0000-4000-8000-{n:012d}",
        )
        for n, age in enumerate(ages)
    ]


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, _events())
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


def nightly(api: Api, now: int = NOW) -> Nightly:
    """Another process that makes snapshots."""
    return Nightly(api.parts.store, api.parts.client, LIMITS, lambda: now)


def question(first: int, last: int, unit: Any = "users") -> RetentionQuery:
    """About some of the weeks."""
    grid = Grid(BEGINS[first : last + 1])
    scope = Scope("shop", grid.start_ms, grid.begins[-1])
    return RetentionQuery(scope, grid, tuple((n, n) for n in range(WEEKS)), unit=unit)


def asked(first: int = 0) -> dict[str, Any]:
    """The same over HTTP, from one of the weeks."""
    return {"start_date": str(BEGINS[first]), "end_date": str(BEGINS[-1]), "interval": "week"}


async def told(api: Api, first: int = 0) -> tuple[Any, Any]:
    """The groups of an answer, and how it was found."""
    answered = await api.ask("POST", "/api/v1/retention/query", "reader", json=asked(first))
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]["groups"], answered.json()["data"]["meta"]


async def test_a_snapshot_tells_cell_by_cell_what_the_events_tell(api: Api, client: Client) -> None:
    assert nightly(api).tend() == len(SITES) * len(UNITS)
    for unit in UNITS:
        snapshot = snapshot_of(api.parts.store.snapshots.get("shop", unit))
        for first, last in ((0, 13), (0, 5), (4, 13), (6, 9), (12, 13)):
            query = question(first, last, unit)
            found, right = answer_with(client, query, snapshot, "", NOW), answer(client, query, NOW)
            assert found.groups == right.groups
            assert right.groups[0].size > 0
            assert (found.source, found.snapshot_ms, right.snapshot_ms) == (SOURCE, NOW, None)
    groups, meta = await told(api)
    assert (meta["source"], meta["snapshot"]) == (SOURCE, NOW)
    fill(client, [Event(ts=BEGINS[-1] - DAY, visitor_id="late", event_id="00000000-0000-4000-8000-00000000000a")])
    later, meta = await told(api)
    assert (meta["source"], meta["snapshot"]) == ("activity", None)
    assert later[0]["size"] == groups[0]["size"] + 1


async def test_a_range_that_ends_within_a_week_is_told_from_the_events(api: Api) -> None:
    nightly(api).tend()
    whole, _ = await told(api, 4)
    part = asked(4) | {"end_date": str(BEGINS[-1] - 4 * DAY)}
    answered = await api.ask("POST", "/api/v1/retention/query", "reader", json=part)
    data = answered.json()["data"]
    assert data["meta"]["source"] == "activity"
    assert data["groups"][0]["size"] < whole[0]["size"]


async def test_what_changed_since_is_told_from_the_events(api: Api, client: Client) -> None:
    nightly(api).tend()
    fill(client, [Event(ts=BEGINS[-1], visitor_id="new", event_id="00000000-0000-4000-8000-00000000000b")])
    before, meta = await told(api)
    assert meta["source"] == SOURCE, "what is of this week changes none that are over"
    identified = {"ts": NIGHT, "visitor_id": "v100", "user_id": "u1", "event": "identify"}
    fill(client, [structs.replace(Event(event_id="00000000-0000-4000-8000-00000000000c"), **identified)])
    client.command("SYSTEM RELOAD DICTIONARY people")
    query = question(0, 13)
    snapshot = snapshot_of(api.parts.store.snapshots.get("shop", "users"))
    assert answer_with(client, query, snapshot, "1.other", NOW).source == "activity"
    assert nightly(api, NOW + DAY).tend() == len(SITES) * len(UNITS)
    api.parts.people._found.clear()
    after, meta = await told(api)
    assert (meta["source"], meta["snapshot"]) == (SOURCE, NOW + DAY)
    assert after != before
    people = (await api.parts.people.of("shop")).people
    scope = replace(query.scope, people=people)
    right = answer(client, replace(query, scope=scope), NOW)
    assert after[0]["size"] == right.groups[0].size
    client.command("ALTER TABLE events DELETE WHERE visitor_id = 'v90' SETTINGS mutations_sync = 2")
    _, meta = await told(api)
    assert meta["source"] == "activity"


async def test_what_is_about_to_be_replaced_is_told_from_the_events(api: Api, client: Client) -> None:
    nightly(api).tend()
    groups, _ = await told(api)
    activity.forget(client, int(f"{datetime.fromtimestamp(BEGINS[0] / 1000, UTC):%Y%m}"))
    later, meta = await told(api)
    assert (later, meta["snapshot"]) == (groups, None)


async def test_each_is_made_once_however_many_make_them(api: Api) -> None:
    at_once = [nightly(api) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(Nightly.tend, at_once)) == len(SITES) * len(UNITS)
    assert nightly(api).tend() == 0
    assert nightly(api, NIGHT + DAY - 1).tend() == 0
    assert nightly(api, NIGHT + DAY).tend() == len(SITES) * len(UNITS)


async def test_what_somebody_left_half_done_is_made_once_their_time_is_over(api: Api) -> None:
    assert api.parts.store.snapshots.take("shop", "users", NIGHT, NOW, LEASE_MS)
    assert nightly(api).tend() == len(SITES) * len(UNITS) - 1
    assert api.parts.store.snapshots.get("shop", "users") is None
    api.parts.store.snapshots.renew("shop", "users", NOW + 1, LEASE_MS)
    assert nightly(api, NOW + LEASE_MS).tend() == 0
    assert nightly(api, NOW + LEASE_MS + 1).tend() == 1
    assert api.parts.store.snapshots.get("shop", "users") is not None


async def test_what_cannot_be_made_is_made_later_and_what_costs_too_much_is_left_out(api: Api, client: Client) -> None:
    away = Nightly(api.parts.store, Client(f"http://127.0.0.1:{port.free()}/none"), LIMITS, lambda: NOW)
    with pytest.raises(Unavailable):
        away.tend()
    client.command("RENAME TABLE events TO gone")
    assert nightly(api).tend() == 0
    client.command("RENAME TABLE gone TO events")
    small = Nightly(api.parts.store, client, replace(LIMITS, rows=100), lambda: NOW)
    assert small.tend() == (len(SITES) - 1) * len(UNITS)
    assert api.parts.store.snapshots.get("shop", "users") is None
    assert small.tend() == 0
    _, meta = await told(api)
    assert meta["source"] == "activity"


async def test_weeks_are_those_of_the_site(api: Api) -> None:
    await api.ask("PATCH", "/api/v1/sites/shop", json={"timezone": "Europe/Vienna"})
    nightly(api).tend()
    kept = api.parts.store.snapshots.get("shop", "visitors")
    assert kept is not None
    assert tuple(kept.begins) == weeks_before(NIGHT, VIENNA)
    _, meta = await told(api)
    assert meta["source"] == "activity"


def test_a_night_begins_at_two() -> None:
    assert due_at(NIGHT) == due_at(NIGHT + DAY - 1) == NIGHT
    assert NIGHT % DAY == 2 * 3_600_000
    assert len(BEGINS) == WEEKS + 1
    assert 0 <= NIGHT - BEGINS[-1] < 7 * DAY


def test_what_a_snapshot_does_not_know_is_asked_of_the_events() -> None:
    query = question(0, 13)
    assert could_be_kept(query)
    others: list[dict[str, Any]] = [
        {"returning": "on_or_after"},
        {"kind": "recurring"},
        {"window_ms": 7 * DAY},
        {"minimum_times": 2},
        {"measure": "revenue"},
        {"breakdown": "country"},
        {"start": Happening("signup")},
        {"scope": replace(query.scope, filter=Condition("country", "eq", ("AT",)))},
        {"scope": replace(query.scope, bots="exclude")},
    ]
    for other in others:
        assert not could_be_kept(replace(query, **other)), other
