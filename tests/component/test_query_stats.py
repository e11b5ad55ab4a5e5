"""GET /api/v1/stats over a real ClickHouse: right, exact, and deaf to tricks."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.query.bucket import begins
from api.query.stats import EXAMPLE, Stats, StatsResponse
from api.query.word import timezones
from clickhouse.client import Client
from tests.migrated import migrate
from tests.querying import Api, Row, fill, querying, settings_of

NEW_YORK = ZoneInfo("America/New_York")
BEGIN = int(datetime(2026, 3, 7, tzinfo=NEW_YORK).timestamp() * 1000)
END = int(datetime(2026, 3, 10, tzinfo=NEW_YORK).timestamp() * 1000)
RANGE = {"start_date": str(BEGIN), "end_date": str(END)}
HOUR = 3_600_000
TRICKS = (
    "' OR 1=1 --",
    "shop' UNION ALL SELECT * FROM events --",
    "'); DROP TABLE events; --",
    "{site:String}",
    "\\",
    "\\'",
    "a\tb\nc\r\0",
    "']) OR 1=1 OR has(['",
    "%00",
    "%s %d {0}",
    "👩‍👩‍👧 \u202e",
    "\u0000",
    "NaN",
    "-1",
    "[1,2]",
    "null",
)


def _rows() -> list[Row]:
    """Events of two sites over three days, on one of which New York's clocks go forward."""
    dice = random.Random(5)
    return [
        Row(
            site_id=dice.choice(["shop", "shop", "rival"]),
            event=dice.choice(["page_view", "purchase", "O’Hara"]),
            ts=BEGIN + dice.randrange(END - BEGIN),
            visitor_id=f"v{dice.randrange(40)}",
            country=dice.choice(["AT", "US", ""]),
            device_type=dice.choice(["desktop", "mobile"]),
            bot=dice.random() < 0.2,
            revenue=dice.choice(["0", "0.1", "12.3456"]),
            currency="EUR",
        )
        for _ in range(400)
    ]


ROWS = _rows()
OURS = [row for row in ROWS if row.site_id == "shop"]


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, ROWS)
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


async def value(api: Api, **question: Any) -> Any:
    """The whole of an answer."""
    answer = await api.stats(**({"metric": "event_count"} | RANGE | question))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["value"]


async def parts(api: Api, **question: Any) -> list[tuple[Any, Any]]:
    """The parts of an answer."""
    answer = await api.stats(**({"metric": "event_count"} | RANGE | question))
    assert answer.status_code == 200, answer.text
    return [(part.get("timestamp", part.get("key")), part["value"]) for part in answer.json()["data"]["breakdown"]]


async def test_an_answer_has_the_form_that_is_described(api: Api) -> None:
    schema = (await api.ask("GET", "/openapi.json", None)).json()
    described = schema["paths"]["/api/v1/stats"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert described == {"$ref": "#/components/schemas/StatsResponse"}
    StatsResponse.model_validate(EXAMPLE, strict=True)
    for group in (None, "hour", "day", "country"):
        question: dict[str, Any] = RANGE | {"metric": "event_count"} | ({"group_by": group} if group else {})
        body = (await api.stats(**question)).json()
        StatsResponse.model_validate(body, strict=True)
        assert set(body["data"]) == set(EXAMPLE["data"]) == set(Stats.model_fields)
        assert body["success"] is True
        assert body["data"]["site_id"] == "shop"
        assert body["data"]["meta"]["source"] == "metrics_minute"
        assert (body["data"]["start_date"], body["data"]["end_date"]) == (BEGIN, END)


async def test_metrics_are_those_of_the_site_alone(api: Api) -> None:
    assert await value(api) == len(OURS)
    assert await value(api, metric="unique_users") == len({row.visitor_id for row in OURS})
    assert await value(api, metric="revenue") == float(sum(round(float(row.revenue) * 1e4) for row in OURS)) / 1e4
    assert await value(api, key="admin", site_id="shop") == len(OURS)
    assert await value(api, key="rival_reader") == len(ROWS) - len(OURS)
    assert await value(api, key="admin", site_id="blog") == 0


async def test_filters_one_by_one_and_together(api: Api) -> None:
    asked: list[tuple[dict[str, Any], int]] = [
        ({"event": "purchase"}, sum(row.event == "purchase" for row in OURS)),
        ({"event": ["purchase", "O’Hara"]}, sum(row.event in ("purchase", "O’Hara") for row in OURS)),
        ({"country": "at"}, sum(row.country == "AT" for row in OURS)),
        ({"country": ""}, sum(row.country == "" for row in OURS)),
        ({"device_type": "mobile"}, sum(row.device_type == "mobile" for row in OURS)),
        ({"bots": "exclude"}, sum(not row.bot for row in OURS)),
        (
            {"event": "purchase", "country": ["AT", "US"], "device_type": "mobile", "bots": "exclude"},
            sum(r.event == "purchase" and bool(r.country) and r.device_type == "mobile" and not r.bot for r in OURS),
        ),
        ({"event": "nothing of the kind"}, 0),
    ]
    for question, expected in asked:
        assert await value(api, **question) == expected, question


async def test_days_in_new_york_are_its_own_also_when_the_clocks_change(api: Api) -> None:
    days = Counter(datetime.fromtimestamp(row.ts / 1000, NEW_YORK).strftime("%F") for row in OURS)
    found = await parts(api, group_by="day", timezone="America/New_York")

    assert {datetime.fromtimestamp(at / 1000, NEW_YORK).strftime("%F %T"): count for at, count in found} == {
        f"{day} 00:00:00": count for day, count in days.items()
    }
    assert [later[0] - sooner[0] for sooner, later in pairwise(found)] == [24 * HOUR, 23 * HOUR]


async def test_the_sites_own_zone_is_meant_where_none_is_named(api: Api) -> None:
    await api.ask("PATCH", "/api/v1/sites/shop", json={"timezone": "America/New_York"})

    assert await parts(api, group_by="day") == await parts(api, group_by="day", timezone="America/New_York")
    assert await value(api, start_date="2026-03-08", end_date="2026-03-08") == sum(
        datetime.fromtimestamp(row.ts / 1000, NEW_YORK).day == 8 for row in OURS
    )


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
async def test_buckets_have_no_gaps_and_add_up(api: Api, zone: str) -> None:
    for group in ("minute", "hour", "day", "week"):
        found = await parts(api, group_by=group, timezone=zone)
        times = [at for at, _ in found]

        assert sum(count for _, count in found) == len(OURS), group
        assert times == sorted(set(times))
        if group in ("minute", "hour"):
            assert {later - sooner for sooner, later in pairwise(times)} == {HOUR if group == "hour" else 60_000}


async def test_dimensions_list_the_largest_first(api: Api) -> None:
    for group in ("country", "device_type", "event"):
        expected = Counter(getattr(row, group) for row in OURS)
        found = await parts(api, group_by=group)

        assert dict(found) == expected
        assert [count for _, count in found] == sorted(expected.values(), reverse=True)


async def test_the_store_finds_no_bucket_but_those_that_are_filled_with_zeros(api: Api, client: Client) -> None:
    moments = [BEGIN + step * 1_800_000 for step in range(0, 2 * 24 * 400, 7)]
    fill(client, [Row("blog", "x", ms) for ms in moments])
    for zone in ("UTC", "America/New_York", "Europe/London", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe"):
        for group in ("hour", "day", "week"):
            asked = {"key": "admin", "site_id": "blog", "group_by": group, "timezone": zone}
            found = await parts(api, **asked, end_date=str(moments[-1] + 1))

            assert sum(count for _, count in found) == len(moments)
            assert [at for at, _ in found] == begins(group, BEGIN, moments[-1] + 1, ZoneInfo(zone)), (zone, group)


def test_clickhouse_knows_every_zone_that_is_taken(client: Client) -> None:
    known = {row[0] for row in client.query(Path(__file__).parents[1] / "data" / "time_zones.sql").rows}

    assert timezones() - known == set()


async def test_a_period_holds_what_has_just_happened(api: Api, client: Client) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    fill(client, [Row("blog", "now", now), Row("blog", "before", now - 2 * HOUR)])

    for period, expected in (("1h", 1), ("1d", 2), ("1w", 2)):
        answer = await api.stats("admin", metric="event_count", site_id="blog", period=period, event=["now", "before"])
        assert answer.json()["data"]["value"] == expected
        assert answer.json()["data"]["period"] == period


async def test_revenue_in_several_currencies_is_asked_for_one_by_one(api: Api, client: Client) -> None:
    fill(client, [Row("blog", "x", BEGIN, revenue="1.5", currency=each) for each in ("EUR", "USD")])
    question: dict[str, Any] = {"key": "admin", "site_id": "blog", "metric": "revenue"}
    answer = await api.stats(**question, **RANGE)

    assert answer.status_code == 400
    assert "EUR, USD" in answer.json()["detail"]
    assert await value(api, **question, currency="USD", event="x") == 1.5


async def test_whole_sessions_are_those_of_the_planner(api: Api) -> None:
    filters: dict[str, Any] = {"event": "page_view", "country": ["AT", "US"], "bots": "exclude"}
    wanted = [{"field": "event", "value": "page_view"}, {"field": "country", "value": ["AT", "US"]}]
    names = {
        "avg_session_duration": "session_duration",
        "bounce_rate": "bounce_rate",
        "conversion_rate": "conversion_rate",
    }
    for granularity, fields in (("none", []), ("day", []), ("none", ["country"])):
        asked = RANGE | {"bots": "exclude", "filter": {"and": wanted}, "granularity": granularity, "breakdown": fields}
        body = asked | {"metrics": list(names.values()), "target_event": "purchase"}
        right = (await api.ask("POST", "/api/v1/query", "reader", json=body)).json()
        for metric, name in names.items():
            target = {"target_event": "purchase"} if metric == "conversion_rate" else {}
            group = {"group_by": fields[0] if fields else granularity} if fields or granularity != "none" else {}
            question = filters | target | group | {"metric": metric}
            times = 1 if metric == "avg_session_duration" else 100
            whole = await value(api, **question)
            assert whole == pytest.approx(right["totals"][name] * times, abs=1e-4)
            assert whole > 0
            found = dict(await parts(api, **question)) if group else {}
            assert found == (
                {
                    row["dimensions"].get("country", row.get("time")): pytest.approx(
                        row["metrics"][name] * times, abs=1e-4
                    )
                    for row in right["rows"]
                }
                if group
                else {}
            )


async def test_events_by_type_are_those_grouped_by_event(api: Api) -> None:
    by_event = await parts(api, group_by="event")
    assert await parts(api, metric="event_count_by_type") == by_event
    assert await value(api, metric="event_count_by_type", group_by="event") == len(OURS)


async def test_metrics_of_a_cohorts_members_alone(api: Api) -> None:
    listed = [f"v{n}" for n in range(20)]
    body = {"site_id": "shop", "name": "Some", "of": "visitors", "definition": {"listed": True}}
    cohort = (await api.ask("POST", "/api/v1/cohorts", json=body)).json()["id"]
    await api.ask("POST", f"/api/v1/cohorts/{cohort}/members", json={"visitor_ids": listed})
    members = [row for row in OURS if row.visitor_id in listed]
    asked = {"cohort": cohort}
    assert await value(api, **asked) == len(members) < len(OURS)
    assert await value(api, **asked, metric="unique_users") == len({row.visitor_id for row in members})
    assert await value(api, **asked, currency="EUR", event="purchase") == sum(
        row.event == "purchase" for row in members
    )
    assert await value(api, **asked, metric="revenue") == pytest.approx(sum(float(row.revenue) for row in members))
    assert dict(await parts(api, **asked, group_by="country")) == Counter(row.country for row in members)
    assert sum(count for _, count in await parts(api, **asked, group_by="day")) == len(members)
    assert 0 < await value(api, **asked, metric="unique_sessions") < await value(api, metric="unique_sessions")
    answer = await api.stats("admin", metric="event_count", site_id="blog", cohort=cohort)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "cohort")


async def test_series_tell_what_was_noted_of_their_range(api: Api) -> None:
    noted = []
    for text, time in (("before", BEGIN - HOUR), ("inside", BEGIN + HOUR), ("after", END)):
        body = {"site_id": "shop", "text": text, "time": str(time)}
        noted.append((await api.ask("POST", "/api/v1/annotations", json=body)).json())
    for group, expected in (("day", noted[1:2]), ("hour", noted[1:2]), ("country", []), (None, [])):
        asked = RANGE | ({"group_by": group} if group else {})
        answer = await api.stats(metric="event_count", **asked)
        assert answer.json()["data"]["annotations"] == expected, group


async def test_tricks_in_every_text_bring_no_other_rows_and_no_fault(api: Api) -> None:
    schema = (await api.ask("GET", "/openapi.json", None)).json()
    for path in ("/api/v1/stats", "/api/v1/events/recent"):
        needed = {"metric": "event_count", **RANGE} if path.endswith("stats") else {}
        names = [each["name"] for each in schema["paths"][path]["get"]["parameters"]]
        for name in names:
            for trick in TRICKS:
                answer = await api.ask("GET", path, "reader", params=needed | {name: trick})

                assert answer.status_code in (200, 400, 404), (path, name, trick, answer.text)
                if answer.status_code == 200 and path.endswith("stats"):
                    assert answer.json()["data"]["value"] == 0, (name, trick)
                if answer.status_code == 200 and path.endswith("recent"):
                    assert not answer.json()["data"], (name, trick)
    assert await value(api) == len(OURS)
