"""Reports under other routes and in other forms: each tells what the report tells that it stands for, and refuses what that refuses."""

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec import json, structs

from api.query.adapted.retention import over
from clickhouse.client import Client
from tests.migrated import migrate
from tests.querying import Api, aggregate, querying, settings_of
from tests.reports.events import DAY, Event, fill, some

WEEK = 7 * DAY
NOW = int(datetime.now(UTC).timestamp() * 1000)
RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-12"}
TIME = {"start": "2026-03-05", "end": "2026-03-12"}
DATED = RANGE | {"timezone": "America/New_York", "bots": "exclude", "filter": '{"field": "country", "value": "AT"}'}
BODY = DATED | {"filter": {"field": "country", "op": "eq", "value": "AT"}}
ZONED = {"timezone": "America/New_York"}


def _events() -> list[Event]:
    dice = random.Random(7)
    old = [structs.replace(each, site_id="shop") for _ in range(6) for each in some(dice, 60)]
    loaded = [
        structs.replace(each, properties=json.encode({"load": n, "scroll_percent": n % 100}).decode())
        for n, each in enumerate(old[::3])
    ]
    weekly = [Event(ts=NOW - dice.randrange(14 * WEEK), visitor_id=f"w{dice.randrange(30)}") for _ in range(300)]
    now = time.time_ns() // 1_000_000
    fresh = [Event(ts=now - dice.randrange(120_000), visitor_id=f"n{n % 3}", path=f"/{n % 7}") for n in range(30)]
    made = [*old, *loaded, *weekly, *fresh]
    return [structs.replace(each, event_id=f"00000000-0000-4000-8000-{n:012d}") for n, each in enumerate(made)]


@pytest.fixture(scope="module")
def filled(clickhouse_of_module: str) -> str:
    client = Client(clickhouse_of_module)
    migrate(client)
    fill(client, _events())
    aggregate(client)
    client.close()
    return clickhouse_of_module


@pytest.fixture
async def api(tmp_path: Path, filled: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=filled)) as made:
        yield made


async def told(api: Api, path: str, /, **asked: Any) -> Any:
    """The data of an answer to a GET."""
    answer = await api.ask("GET", path, "reader", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    return answer.json()["data"]


async def report(api: Api, path: str, body: dict[str, Any] | None = None, /, **asked: Any) -> Any:
    """What a report answers, without what it took."""
    method = "GET" if body is None else "POST"
    request: dict[str, Any] = {"params": asked} if body is None else {"json": body}
    answer = await api.ask(method, f"/api/v1{path}", "reader", **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _dates(rows: list[dict[str, Any]], zone: str, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "date": datetime.fromtimestamp(row["time"] / 1000, ZoneInfo(zone)).date().isoformat(),
            **{own: row["metrics"][name] for own, name in names.items()},
        }
        for row in rows
    ]


async def test_the_dashboard_in_single_calls(api: Api) -> None:
    pages = await report(api, "/reports/pages", **DATED, limit=3)
    assert await told(api, "/analytics/pages/top", **DATED, limit=3) == {
        n: pages[n] for n in ("pages", "total", "count")
    }
    sources = await report(api, "/reports/sources", **DATED, by="utm_source", limit=10)
    found = await told(api, "/analytics/sources", **DATED, by="utm_source")
    assert found == {n: sources[n] for n in ("sources", "total", "count")}
    assert len(pages["pages"]) == 3
    assert len(found["sources"]) == 2
    metrics = ["events", "users", "visitors", "sessions", "pageviews", "bounce_rate", "session_duration"]
    metrics.append("views_per_session")
    query = await report(api, "/query", BODY | {"metrics": metrics, "compare": "previous"})
    overview = await told(api, "/analytics/overview", **DATED)
    assert (overview["totals"], overview["change"]) == (query["totals"], query["previous"]["change"])
    assert overview["totals"]["events"] > 0
    for path, names in (
        ("sessions/daily", "visitors sessions pageviews bounce_rate session_duration"),
        ("engagement", "sessions bounce_rate session_duration views_per_session"),
    ):
        query = await report(api, "/query", BODY | {"metrics": names.split(), "granularity": "day"})
        days = await told(api, f"/analytics/{path}", **DATED)
        assert days["totals"] == query["totals"]
        flat = [{"date": each["date"]} | each["metrics"] for each in days["days"]]
        assert flat == _dates(query["rows"], "America/New_York", {name: name for name in names.split()})
        assert [each["date"] for each in flat] == [f"2026-03-{day:02}" for day in range(5, 13)]
    audience = await report(api, "/reports/audience", **DATED, by="country", limit=2)
    geo = await told(api, "/analytics/geo", **DATED, limit=2)
    assert [(each["country"], each["metrics"]) for each in geo["countries"]] == [
        (row["dimensions"]["country"], row["metrics"]) for row in audience["rows"]
    ]


async def test_what_is_there_now_and_what_is_stored(api: Api) -> None:
    now = await told(api, "/analytics/realtime")
    assert (now["visitors"], len(now["minutes"])) == (3, 30)
    stored = await told(api, "/analytics/storage", start_date="2026-01-01", end_date="2026-03-31")
    assert [each["month"] for each in stored["months"]] == ["2026-01", "2026-02", "2026-03"]
    query = await report(api, "/query", {"start_date": "2026-01-01", "end_date": "2026-03-31", "metrics": ["events"]})
    assert stored["events"] == sum(each["events"] for each in stored["months"]) == query["totals"]["events"]
    assert stored["events"] > 100
    assert len((await told(api, "/analytics/storage"))["months"]) in (12, 13)
    history = await report(api, "/alerts/history")
    assert await told(api, "/analytics/anomalies") == {"data": history["data"], "next_cursor": None}


async def test_a_website_by_its_address(api: Api) -> None:
    site = "/websites/shop/analytics"
    for by in ("source", "medium"):
        sources = await report(api, "/reports/sources", **RANGE, by=f"utm_{by}")
        traffic = await told(api, f"{site}/traffic", **TIME, by=by)
        assert [(row[by], row["visits"], row["uniqueVisitors"], row["avgEngagementTime"]) for row in traffic] == [
            (row["name"], row["sessions"], row["visitors"], row["session_duration"]) for row in sources["sources"]
        ]
        assert {row["source" if by == "medium" else "medium"] for row in traffic} == {None}
    metrics = ["pageviews", "avg:properties.load", "avg:properties.scroll_percent"]
    query = await report(api, "/query", RANGE | {"metrics": metrics, "breakdown": ["path"]})
    pages = await told(api, f"{site}/pages", **TIME)
    assert [list(row.values()) for row in pages] == [
        [row["dimensions"]["path"], *(row["metrics"][name] for name in metrics)] for row in query["rows"]
    ]
    assert list(pages[0]) == ["path", "pageviews", "avgLoadTime", "avgScrollDepth"]
    assert pages[0]["avgLoadTime"] > 0
    metrics = ["events", "pageviews", "session_duration"]
    only = {"not": {"field": "user_id", "value": ""}}
    query = await report(api, "/query", RANGE | {"metrics": metrics, "breakdown": ["user_id"], "filter": only})
    users = await told(api, f"{site}/users", **TIME, limit=2)
    assert [list(row.values()) for row in users] == [
        [row["dimensions"]["user_id"], *(row["metrics"][name] for name in metrics)] for row in query["rows"][:2]
    ]
    assert list(users[0]) == ["userId", "totalEvents", "pageviews", "avgEngagementTime"]


async def test_a_websites_audience_and_who_is_there(api: Api) -> None:
    audience = await told(api, "/websites/shop/analytics/audience", **TIME, **ZONED)
    days = await report(api, "/query", RANGE | ZONED | {"metrics": ["users"], "granularity": "day"})
    assert audience["totalUsers"] == days["totals"]["users"]
    assert audience["dailyActiveUsers"] == _dates(days["rows"], "America/New_York", {"users": "users"})
    for name, by in (("deviceBreakdown", "device_type"), ("geoDistribution", "country")):
        shares = await report(api, "/reports/audience", **RANGE, **ZONED, by=by)
        assert audience[name] == [
            {"value": row["dimensions"][by], "users": row["metrics"]["users"]} for row in shares["rows"]
        ]
        assert len(audience[name]) > 1
    now = await told(api, "/websites/shop/analytics/realtime")
    assert now["activeVisitors"] == 3
    assert len(now["activePages"]) == 5
    assert now["eventsPerMinute"] == 30 / 5
    assert now["recentEvents"] == (await report(api, "/events/recent", limit=10))["data"]


async def test_retention_week_by_week(api: Api) -> None:
    start, end = over(13, ZoneInfo("UTC"), NOW)
    asked = {"start_date": str(start), "end_date": str(end), "interval": "week", "periods": 13}
    [group] = (await report(api, "/retention/query", asked))["data"]["groups"]
    found = await told(api, "/api/v1/analytics/retention")
    assert (found["weeks"], found["start_date"], found["end_date"]) == (13, start, end)
    assert [(each["week_start"], each["cohort_size"]) for each in found["cohorts"]] == [
        (each["timestamp"], each["size"]) for each in group["cohorts"]
    ]
    for own, right in zip(found["cohorts"], group["cohorts"], strict=True):
        values = [cell["value"] for cell in right["values"]] if right["size"] else []
        assert [week["returning_users"] for week in own["retention_by_week"]] == values
        assert all(week["retention_rate"] == 100 for week in own["retention_by_week"][:1])
    assert [week["retention_rate"] for week in found["retention_by_week"]] == pytest.approx(
        [100 * rate for rate in group["averages"] if rate is not None], abs=1e-3
    )
    assert len((await told(api, "/api/v1/analytics/retention", weeks=2))["cohorts"]) == 2


async def test_retention_of_a_cohort(api: Api) -> None:
    members = {"did": {"filter": {"field": "visitor_id", "value": ["w1", "w2", "w3", "w4"]}}, "within": "20w"}
    body = {"site_id": "shop", "name": "Some", "of": "visitors", "definition": members}
    cohort = (await api.ask("POST", "/api/v1/cohorts", json=body)).json()["id"]
    found = await told(api, "/api/v1/analytics/cohorts", cohort_id=cohort, weeks=13)
    assert {name: found[name] for name in ("cohort_id", "site_id", "cohort_name", "size")} == {
        "cohort_id": cohort,
        "site_id": "shop",
        "cohort_name": "Some",
        "size": 4,
    }
    first, *later = found["retention_by_week"]
    assert (first["week"], first["retention_rate"], first["cohort_size"]) == (0, 100, first["returning_users"])
    assert 0 < first["cohort_size"] <= 4
    assert all(week["cohort_size"] <= first["cohort_size"] for week in later)
    missing = await api.ask("GET", "/api/v1/analytics/cohorts", "reader", params={"cohort_id": "cohort_none"})
    assert missing.status_code == 404


def test_weeks_that_are_over_are_those_of_local_time() -> None:
    zone = ZoneInfo("America/New_York")
    monday = datetime(2026, 3, 9, tzinfo=zone)
    for now in (monday, datetime(2026, 3, 15, 23, 59, tzinfo=zone)):
        start, end = over(2, zone, int(now.timestamp() * 1000))
        assert end == monday.timestamp() * 1000
        assert datetime.fromtimestamp(start / 1000, zone) == datetime(2026, 2, 23, tzinfo=zone)


class Refused(NamedTuple):
    """A question that is refused, and what is named as wrong."""

    path: str
    asked: dict[str, Any]
    parameter: str
    said: str = ""


REFUSED = (
    Refused("/api/v1/analytics/retention", {"weeks": 0}, "weeks"),
    Refused("/api/v1/analytics/retention", {"weeks": "x"}, "weeks"),
    Refused("/api/v1/analytics/retention", {"colour": "red"}, "colour"),
    Refused("/api/v1/analytics/cohorts", {}, "cohort_id"),
    Refused("/analytics/overview", {"start_date": "soon"}, "start_date", "is neither ms since the epoch"),
    Refused("/analytics/overview", {"period": "1d", "start_date": "1"}, "period", "choose one of the two ways"),
    Refused("/analytics/pages/top", {"limit": 0}, "limit"),
    Refused("/analytics/sources", {"by": "colour"}, "by"),
    Refused("/analytics/geo", {"timezone": "Mars"}, "timezone", "is not an IANA time zone"),
    Refused("/analytics/realtime", {"start_date": "1"}, "start_date"),
    Refused("/analytics/storage", {"filter": "{"}, "filter", "is no JSON"),
    Refused("/analytics/sessions/daily", {"end_date": "1"}, "start_date"),
    Refused("/analytics/engagement", {"bots": "some"}, "bots"),
    Refused("/analytics/anomalies", {"cursor": "x"}, "cursor", "is not one that a page gave"),
    Refused("/websites/shop/analytics/traffic", {"start": "soon"}, "start", "is neither ms since the epoch"),
    Refused("/websites/shop/analytics/traffic", {"by": "term"}, "by"),
    Refused("/websites/shop/analytics/pages", {"start": "2", "end": "1"}, "end", "the end must lie after the start"),
    Refused("/websites/shop/analytics/users", {"end": "2026-03-05"}, "start", "is required with end"),
    Refused("/websites/shop/analytics/audience", {"limit": 10_001}, "limit"),
    Refused("/websites/shop/analytics/audience", {"site_id": "shop"}, "site_id"),
)


async def test_what_is_refused_is_named_as_it_was_asked(api: Api) -> None:
    for each in REFUSED:
        answer = await api.ask("GET", each.path, "reader", params=each.asked)
        assert answer.status_code == 400, (each, answer.text)
        [fault] = answer.json()["errors"]
        assert fault["parameter"] == each.parameter, each
        assert each.said in fault["reason"], each
        assert answer.json()["detail"].startswith(f"{each.parameter}: "), each


async def test_a_website_of_others_is_as_one_that_does_not_exist(api: Api) -> None:
    for name in ("traffic", "pages", "users", "realtime", "audience"):
        answers = [
            await api.ask("GET", f"/websites/{site}/analytics/{name}", "reader") for site in ("blog", "rival", "no")
        ]
        assert {answer.status_code for answer in answers} == {404}, name
        assert (await api.ask("GET", f"/websites/blog/analytics/{name}", "admin")).status_code == 200
