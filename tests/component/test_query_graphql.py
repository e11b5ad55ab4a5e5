"""POST /graphql: what the reports tell, refused as they refuse, and bounded."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from api.control.keys import NewKey
from api.query.graphql.route import EXAMPLE
from api.query.graphql.schema import schema
from clickhouse.client import Client
from tests.migrated import migrate
from tests.querying import SECRET, Api, aggregate, querying, settings_of
from tests.reports.events import DAY, Event, fill

ORGANISATION = "00000000-0000-0000-0000-000000000001"
PROJECT = "00000000-0000-0000-0000-000000000002"
ASKED = """
query {
  metrics(
    orgId: "00000000-0000-0000-0000-000000000001"
    projectId: "00000000-0000-0000-0000-000000000002"
    startDate: "2026-06-01"
    endDate: "2026-06-16"
  ) {
    totalEvents
    topEvents {
      eventName
      count
    }
  }
}
"""
BEGIN = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)
TIME = 'startDate: "2026-06-01", endDate: "2026-06-16"'


def _events() -> list[Event]:
    dice = random.Random(3)
    return [
        Event(
            event=dice.choice(("page_view", "page_view", "signup", "purchase")),
            ts=BEGIN + dice.randrange(16 * DAY),
            visitor_id=f"v{dice.randrange(30)}",
            country=dice.choice(("AT", "US")),
            event_id=f"00000000-0000-4000-8000-{n:012d}",
        )
        for n in range(300)
    ]


EVENTS = _events()


@pytest.fixture(scope="module")
def filled(clickhouse_of_module: str) -> str:
    client = Client(clickhouse_of_module)
    migrate(client)
    fill(client, EVENTS)
    fill(client, [structs.replace(each, site_id=PROJECT) for each in EVENTS])
    now = int(datetime.now(UTC).timestamp() * 1000)
    client.command(
        "INSERT INTO events (site_id, event, ts, received_at, event_id, properties) SELECT 'shop', 'fresh',"
        f" fromUnixTimestamp64Milli(toInt64({now})) - number, fromUnixTimestamp64Milli(toInt64({now})) - number,"
        " generateUUIDv4(), '{\"a\":[1]}' FROM numbers(3)"
    )
    aggregate(client)
    client.close()
    return clickhouse_of_module


@pytest.fixture
async def api(tmp_path: Path, filled: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=filled)) as made:
        yield made


async def ask(api: Api, query: str, key: str = "reader", **more: Any) -> Any:
    """The answer to a question that is one."""
    answer = await api.ask("POST", "/graphql", key, json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_question_as_it_is_written_elsewhere(api: Api) -> None:
    store = api.parts.store
    store.sites.ensure_organisation(ORGANISATION, "Elsewhere", BEGIN)
    store.sites.create(ORGANISATION, PROJECT, {"name": "Elsewhere"}, BEGIN)
    wanted = NewKey(name="k", organisation=ORGANISATION, site=None, scopes=("stats:read",))
    key = store.keys.create(wanted, SECRET.encode(), BEGIN).presented
    answer = await api.http.post("/graphql", json={"query": ASKED}, headers={"x-api-key": key})
    names = Counter(each.event for each in EVENTS)
    assert answer.json() == {
        "data": {
            "metrics": {
                "totalEvents": len(EVENTS),
                "topEvents": [{"eventName": name, "count": count} for name, count in names.most_common()],
            }
        }
    }
    refused = (await ask(api, ASKED))["errors"]
    assert {each["message"] for each in refused} == {f"orgId: there is no organisation '{ORGANISATION}'"}


async def test_each_field_tells_what_its_report_tells(api: Api) -> None:
    query = f"""query Days($only: JSON, $name: String) {{
        totalEvents({TIME}, filters: $only)
        metrics({TIME}) {{ totalUsers topEvents(limit: 1) {{ eventName count }} }}
        eventCounts({TIME}, eventName: $name) {{ eventName count }}
        dailyActiveUsers({TIME}) {{ date count }}
        eventCountsOverTime({TIME}, eventName: $name, filters: $only) {{ date count }}
    }}"""
    variables = {"only": {"field": "country", "value": "AT"}, "name": "signup"}
    found = (await ask(api, query, variables=variables, operationName="Days"))["data"]
    signups = [each for each in EVENTS if each.event == "signup"]
    assert found["totalEvents"] == sum(each.country == "AT" for each in EVENTS)
    assert found["metrics"]["totalUsers"] == len({each.visitor_id for each in EVENTS})
    assert [each["eventName"] for each in found["metrics"]["topEvents"]] == ["page_view"]
    assert found["eventCounts"] == [{"eventName": "signup", "count": len(signups)}]
    days = [f"2026-06-{day:02}" for day in range(1, 17)]
    on = {day: [each for each in EVENTS if (each.ts - BEGIN) // DAY == n] for n, day in enumerate(days)}
    assert found["dailyActiveUsers"] == [
        {"date": day, "count": len({each.visitor_id for each in on[day]})} for day in days
    ]
    right = {day: sum(each.event == "signup" and each.country == "AT" for each in on[day]) for day in days}
    assert {each["date"]: each["count"] for each in found["eventCountsOverTime"]} == right
    query = "{ recentEvents(limit: 2) { eventId eventName timestamp properties } }"
    recent = (await api.ask("GET", "/api/v1/events/recent", "reader", params={"limit": 2})).json()["data"]
    assert (await ask(api, query))["data"]["recentEvents"] == [
        {name: each[own] for name, own in (("eventId", "event_id"), ("eventName", "event"), ("timestamp", "ts"))}
        | {"properties": {"a": [1]}}
        for each in recent
    ]


async def test_what_is_refused_is_told_as_the_report_tells_it(api: Api) -> None:
    for query, said in (
        ('{ totalEvents(startDate: "soon") }', "start_date: is neither ms since the epoch"),
        ('{ totalEvents(projectId: "blog") }', "there is no site 'blog'"),
        ('{ totalEvents(projectId: "rival") }', "there is no site 'rival'"),
        ('{ totalEvents(filters: {field: "colour"}) }', "there is no field 'colour'"),
        ("{ eventCounts(limit: 0) { count } }", "limit: "),
        ("{ recentEvents(limit: 201) { url } }", "limit: "),
    ):
        answer = await ask(api, query)
        assert answer["data"] is None, query
        [error] = answer["errors"]
        assert said in error["message"], (query, error)
        assert error["extensions"]["status"] in (400, 404)
    assert (await ask(api, EXAMPLE, "admin"))["errors"][0]["message"].startswith("site_id: is required")


async def test_what_is_no_question_of_the_graph_is_refused(api: Api) -> None:
    deep = "{ metrics { topEvents { count " + "{ a " * 6 + "} " * 6 + "} } }"
    many = "{ " + " ".join(f"a{n}: totalEvents" for n in range(16)) + " }"
    long = "{ totalEvents(filters: {and: [" + "{field: event} " * 700 + "]}) }"
    for query in ("{", "{ nothing }", "mutation { totalEvents }", "subscription { totalEvents }", deep, many, long):
        answer = await api.ask("POST", "/graphql", "reader", json={"query": query})
        assert answer.status_code == 400, (query, answer.text)
        assert answer.json()["errors"][0]["message"], query
    for body in ({}, {"query": ""}, {"query": "x" * 20_001}, {"query": "{ totalEvents }", "variables": []}):
        assert (await api.ask("POST", "/graphql", "reader", json=body)).status_code == 400, body
    eleven = "{ " + " ".join(f"a{n}: totalEvents({TIME})" for n in range(11)) + " }"
    assert "at most 10 reports" in (await ask(api, eleven))["errors"][0]["message"]
    ten = (await ask(api, eleven.replace(f"a10: totalEvents({TIME})", "")))["data"]
    assert set(ten.values()) == {len(EVENTS)}


async def test_the_graph_describes_itself(api: Api) -> None:
    query = "{ __schema { queryType { fields { name args { name type { name ofType { name } } } } } mutationType { name } } }"
    found = (await ask(api, query))["data"]["__schema"]
    names = {each["name"] for each in found["queryType"]["fields"]}
    assert names >= {"metrics", "totalEvents", "eventCounts", "dailyActiveUsers", "eventCountsOverTime", "recentEvents"}
    assert found["mutationType"] is None


async def test_fragments_of_fragments_are_refused_before_they_are_looked_through(api: Api) -> None:
    depth = 40
    fragments = [f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}}" for n in range(depth)]
    query = " ".join(["{...F0}", *fragments, f"fragment F{depth} on Query {{totalEvents}}"])
    answer = await api.ask("POST", "/graphql", "reader", json={"query": query})
    assert answer.status_code == 400
    assert "spreads of fragments" in answer.text


def test_a_count_may_be_beyond_32_bits() -> None:
    many = 3_000_000_000
    assert schema.execute_sync('{__type(name: "Count") {kind}}').data == {"__type": {"kind": "SCALAR"}}
    scalar = schema._schema.type_map["Count"]
    assert scalar.serialize(many) == many  # type: ignore[attr-defined]
