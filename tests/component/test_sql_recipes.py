"""The recipes of docs/sql.md, each run as an analyst; where a report answers the same, both agree."""

import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from pulse.analyst.rule import VIEWS
from tests import analysing
from tests.analysing import Served
from tests.querying import Api, querying, settings_of
from tests.reports.events import DAY, Event
from tests.reports.events import fill as store

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
FROM = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
"""A Monday."""
TO = FROM + 21 * DAY
BOUNDS = {"from": "2026-03-02 00:00:00", "to": "2026-03-23 00:00:00"}
RANGE = {"start_date": str(FROM), "end_date": str(TO), "timezone": "UTC"}
Rows = list[dict[str, Any]]


def recipes() -> dict[int, str]:
    """The statements by their numbers."""
    found = re.findall(r"^### (\d+)\. .*?```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return {int(number): statement for number, statement in found}


def test_every_view_of_analysts_is_told() -> None:
    told = re.findall(r"^\| `(\w+)[(`].* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(VIEWS)


def visits(dice: random.Random) -> list[Event]:
    """Three weeks of some visitors; nobody does two things at the same moment."""
    moments = dice.sample(range(FROM, TO, 1_000), 600)
    return [_event(dice, moment, number) for number, moment in enumerate(moments)]


def _event(dice: random.Random, ts: int, number: int) -> Event:
    visitor = dice.randrange(40)
    name = dice.choice(("page_view", "page_view", "page_view", "signup", "purchase"))
    return Event(
        event=name,
        ts=ts,
        event_id=str(UUID(int=number + 1)),
        visitor_id=f"v{visitor}",
        user_id=f"u{visitor}" if visitor % 3 == 0 else "",
        session_id=f"s{visitor}-{ts // DAY}" if visitor % 5 == 0 else "",
        path=dice.choice(("/", "/a", "/b")) if name == "page_view" else "",
        channel=("direct", "organic search", "referral")[visitor % 3],
        country=("AT", "US")[visitor % 2],
        device_type=("desktop", "mobile")[visitor % 2],
        revenue=dice.randrange(1, 1_000) / 4 if name == "purchase" else 0.0,
        currency="EUR" if name == "purchase" else "",
        properties='{"plan": "pro", "seats": 4}' if name == "signup" else "{}",
    )


def _signed_in(number: int) -> Event:
    """Two visitors each turn out to be one person."""
    visitor, at = f"v{number * 5 + 1}", FROM + number * DAY + 1
    return Event(
        event="identify", ts=at, event_id=str(UUID(int=9_000 + number)), visitor_id=visitor, user_id=f"p{number // 2}"
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with analysing.serving(tmp_path_factory.mktemp("recipes") / "clickhouse") as made:
        client, dice = made.client, random.Random(7)
        analysing.fill(client, ("rival",), 200)
        store(client, visits(dice))
        store(client, [structs.replace(each, site_id="rival") for each in (*visits(dice), *map(_signed_in, range(6)))])
        client.command("SYSTEM RELOAD DICTIONARY people")
        client.command(
            "INSERT INTO metrics_minute (site_id, minute, event, country, device_type, currency, events, revenue) SELECT site_id,"
            " toStartOfMinute(ts) AS m, event, country, device_type, currency, count(), sum(revenue) FROM events WHERE site_id = 'shop' GROUP BY ALL"
        )
        client.command(
            "INSERT INTO ledger_minute (site_id, minute, received, kept, duplicates) SELECT site_id, toStartOfMinute(ts) AS m, count() + 1, count(), 1"
            " FROM events WHERE site_id = 'shop' GROUP BY ALL"
        )
        client.command(
            "INSERT INTO events_rejected (site_id, received_at, reason, field) VALUES ('shop', '2026-03-05 10:00:00', 'too_late', 'ts')"
        )
        client.command(
            "INSERT INTO webhook_deliveries (site_id, at, delivery_id, attempt, endpoint_id, verdict, ms) VALUES"
            " ('shop', '2026-03-05 10:00:00', 'a', 1, 'hook', 'again', 8000), ('shop', '2026-03-05 10:00:05', 'a', 2, 'hook', 'delivered', 20),"
            " ('shop', '2026-03-05 10:00:05', 'a', 2, 'hook', 'delivered', 20), ('shop', '2026-03-05 11:00:00', 'b', 1, 'hook', 'delivered', 30),"
            " ('rival', '2026-03-05 11:00:00', 'c', 1, 'other', 'delivered', 30)"
        )
        yield made


@pytest.fixture
async def api(served: Served, tmp_path: Path) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=served.url)) as made:
        yield made


async def _rows(api: Api, number: int, key: str = "reader") -> Rows:
    asked = {"query": recipes()[number], "parameters": BOUNDS, "format": "json"}
    told = await api.ask("POST", "/api/v1/sql", key, json=asked)
    assert told.status_code == 200, (number, told.text)
    rows: Rows = told.json()["data"]
    return rows


async def _query(api: Api, **asked: Any) -> Mapping[str, Any]:
    told = await api.ask("POST", "/api/v1/query", "reader", json=RANGE | asked)
    assert told.status_code == 200, told.text
    found: Mapping[str, Any] = told.json()
    return found


async def test_all_of_them_answer(api: Api) -> None:
    assert list(recipes()) == list(range(1, 26))
    for number in recipes():
        rows = await _rows(api, number)
        assert rows or number == 16, number


async def test_traffic_is_that_of_the_report(api: Api) -> None:
    told = await _query(api, metrics=["events", "pageviews", "visitors"], granularity="day")
    rows = await _rows(api, 1)
    assert [[int(row[each]) for each in ("events", "pageviews", "visitors")] for row in rows] == [
        [row["metrics"][each] for each in ("events", "pageviews", "visitors")] for row in told["rows"]
    ]


async def test_attempts_at_webhooks_are_counted_once_and_are_the_sites_own(api: Api) -> None:
    [row] = [each for each in await _rows(api, 25) if each["day"] == "2026-03-05"]
    assert (row["endpoint_id"], *(int(row[name]) for name in ("attempts", "failed", "again"))) == ("hook", 3, 1, 1)


async def test_groups_are_those_of_the_report(api: Api) -> None:
    for number, metric, fields in (
        (3, "visitors", ["channel"]),
        (4, "events", ["country", "device_type"]),
        (10, "revenue", ["currency"]),
    ):
        told = await _query(api, metrics=[metric], breakdown=fields)
        expected = {tuple(row["dimensions"][each] for each in fields): row["metrics"][metric] for row in told["rows"]}
        found: dict[tuple[str, ...], float] = {}
        for row in await _rows(api, number):
            of = tuple(row[each] for each in fields)
            found[of] = found.get(of, 0) + float(row[metric])
        assert found == {of: value for of, value in expected.items() if value or number != 10}


async def test_pages_are_those_of_the_report(api: Api) -> None:
    told = await _query(api, metrics=["pageviews"], breakdown=["path"])
    expected = {row["dimensions"]["path"]: row["metrics"]["pageviews"] for row in told["rows"]}
    assert {row["path"]: int(row["pageviews"]) for row in await _rows(api, 2)} == {
        path: views for path, views in expected.items() if views
    }


async def test_sessions_are_those_of_the_report(api: Api) -> None:
    metrics = ["sessions", "session_duration", "views_per_session", "bounce_rate"]
    told = (await _query(api, metrics=metrics))["totals"]
    (row,) = await _rows(api, 5)
    for each in metrics:
        assert float(row[each]) == pytest.approx(told[each]), each


async def test_the_funnel_is_that_of_the_report(api: Api) -> None:
    steps = [{"event": name} for name in ("page_view", "signup", "purchase")]
    asked = RANGE | {"steps": steps, "window": "1d", "count": "visitors"}
    told = await api.ask("POST", "/api/v1/funnels/query", "reader", json=asked)
    assert told.status_code == 200, told.text
    (row,) = await _rows(api, 7)
    assert [int(row[step["event"]]) for step in steps] == [step["count"] for step in told.json()["data"]["steps"]]


async def test_retention_is_that_of_the_report(api: Api) -> None:
    asked = RANGE | {"kind": "first_time", "interval": "week", "unit": "visitors", "periods": 3}
    told = await api.ask("POST", "/api/v1/retention/query", "reader", json=asked)
    assert told.status_code == 200, told.text
    rows = await _rows(api, 9)
    cohorts = [each for each in told.json()["data"]["groups"][0]["cohorts"] if each["size"]]
    assert [int(row["size"]) for row in rows] == [each["size"] for each in cohorts]
    for row, cohort in zip(rows, cohorts, strict=True):
        told_of = [cell["value"] for cell in cohort["values"]] + [0, 0, 0]
        assert [int(row["week_1"]), int(row["week_2"])] == told_of[1:3]


async def test_what_no_report_tells_is_as_by_hand(api: Api) -> None:
    events = visits(random.Random(7))
    money = sum(each.revenue for each in events)
    assert sum(float(row["revenue"]) for row in await _rows(api, 11)) == pytest.approx(money)
    worth = [(int(row["users"]), float(row["week_2"])) for row in await _rows(api, 12)]
    assert sum(users * each for users, each in worth) == pytest.approx(money)
    (row,) = await _rows(api, 15)
    assert int(row["monthly"]) == len({each.user_id or each.visitor_id for each in events})
    assert sum(int(row["visits"]) for row in await _rows(api, 6)) == len(
        {(each.visitor_id, each.ts // DAY) for each in events if each.event == "page_view"}
    )
    (plan,) = await _rows(api, 19)
    assert (plan["plan"], int(plan["signups"]), plan["seats"]) == ("pro", sum(e.event == "signup" for e in events), 4)
    assert sum(int(row["new"]) for row in await _rows(api, 20)) == len({each.visitor_id for each in events})
    assert len(await _rows(api, 14)) == 30


async def test_time_to_convert_is_as_by_hand(api: Api) -> None:
    events = sorted(visits(random.Random(7)), key=lambda each: each.ts)
    took = []
    for visitor in {each.visitor_id for each in events}:
        own = [each for each in events if each.visitor_id == visitor]
        began = next((each.ts for each in own if each.event == "signup"), None)
        bought = next(
            (each.ts for each in own if began is not None and each.event == "purchase" and each.ts >= began), None
        )
        took += [(bought - began) / 1000] if bought is not None and began is not None else []
    (row,) = await _rows(api, 8)
    took.sort()
    middle = mean(took[(len(took) - 1) // 2 : len(took) // 2 + 1])
    assert (int(row["buyers"]), row["median"]) == (len(took), pytest.approx(middle))


async def test_quality_is_told(api: Api) -> None:
    (refused,) = await _rows(api, 17)
    assert (refused["reason"], refused["field"], int(refused["lines"])) == ("too_late", "ts", 1)
    hours = await _rows(api, 18)
    assert all(int(row["difference"]) == 0 for row in hours)
    assert sum(int(row["stored"]) for row in hours) == len(visits(random.Random(7)))


async def test_people_on_all_of_their_devices_are_those_of_the_report(api: Api) -> None:
    asked = {"metrics": ["users"], "granularity": "day", **RANGE}
    told = (await api.ask("POST", "/api/v1/query", "rival_reader", json=asked)).json()
    users = [row["users"] for row in await _rows(api, 21, "rival_reader")]
    assert users == [row["metrics"]["users"] for row in told["rows"]]
    devices = [row["visitors"] for row in await _rows(api, 1, "rival_reader")]
    assert sum(users) < sum(devices)


async def test_entry_and_exit_pages_are_those_of_the_report(api: Api) -> None:
    told = await api.ask("GET", "/api/v1/reports/pages", "reader", params=RANGE)
    assert told.status_code == 200, told.text
    expected = {row["path"]: (row["entries"], row["exits"]) for row in told.json()["pages"]}
    found = {row["path"]: (int(row["entries"]), int(row["exits"])) for row in await _rows(api, 22)}
    assert found == {path: counts for path, counts in expected.items() if any(counts)}


async def test_where_visitors_came_from_is_as_by_hand(api: Api) -> None:
    first: dict[str, Event] = {}
    last: dict[str, int] = {}
    for each in sorted(visits(random.Random(7)), key=lambda each: each.ts):
        first.setdefault(each.visitor_id, each)
        last[each.visitor_id] = each.ts
    found = await _rows(api, 23)
    for channel in ("direct", "organic search", "referral"):
        own = [each for each in first.values() if each.channel == channel]
        rows = [row for row in found if row["channel"] == channel]
        assert sum(int(row["new_visitors"]) for row in rows) == len(own)
        assert sum(int(row["came_again"]) for row in rows) == sum(last[e.visitor_id] >= e.ts + DAY for e in own)


async def test_people_bring_what_they_did_before_signing_in(served: Served, api: Api) -> None:
    named = served.client.ask("SELECT uniqExact(user_id) FROM events WHERE site_id = 'rival' AND user_id != ''").rows[
        0
    ][0]
    assert sum(int(row["people"]) for row in await _rows(api, 24, "rival_reader")) == named
    told = "SELECT events, visitors, first_seen FROM analytics.users WHERE site_id = 'rival' AND user_id = 'p0'"
    ((events, devices, first_seen),) = served.client.ask(told).rows
    dice = random.Random(7)
    visits(dice)
    before = [each for each in visits(dice) if each.visitor_id == "v1"]
    assert (events, devices) == (len(before) + 2, 2)
    assert int(first_seen.timestamp() * 1000) == min(FROM + 1, *(each.ts for each in before))
