"""A question of a report is bounded, and ends with its client."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn

from clickhouse.bounded import Bounded, Limits
from clickhouse.client import Client
from deploy.local import port
from pulse.errors import TooCostly
from tests.eventually import eventually
from tests.migrated import migrate
from tests.querying import querying, settings_of

ROWS = 200_000
HEAVY: dict[str, Any] = {
    "start_date": "2026-03-05",
    "end_date": "2026-03-06",
    "metrics": [f"p99:properties.{name}" for name in "abcdefghij"],
    "breakdown": ["visitor_id", "properties.a"],
}
CANCELLED = 394
RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-06"}
EVENT_ID = "00000000-0000-4000-8000-000000000000"
STEPS = [{"event": "page_view"}, {"event": "signup"}]
SAVED = {"site_id": "shop", "name": "all", "question": RANGE | {"metrics": ["visitors"]}}
SLOW = {
    "or": [{"field": f"properties.{name}", "op": "gt", "value": 10**9 + n} for n in range(19) for name in "abcdefghij"]
}
"""A filter that nothing passes, and that takes its time."""
LONG = HEAVY | {"filter": {"not": SLOW}}
"""As heavy, and for much longer than a second, however fast the machine."""
ASKED: dict[str, dict[str, Any]] = {
    "GET /stats": {"params": RANGE | {"metric": "unique_users"}},
    "POST /query": {"json": RANGE | {"metrics": ["visitors"]}},
    "POST /funnels/query": {"json": RANGE | {"steps": STEPS}},
    "POST /funnels/people": {"json": RANGE | {"steps": STEPS, "step": 1}},
    "POST /retention/query": {"json": RANGE},
    "POST /lifecycle/query": {"json": RANGE},
    "POST /stickiness/query": {"json": RANGE},
    "POST /stickiness/active": {"json": RANGE},
    "POST /journeys/query": {"json": RANGE},
    "GET /attribution": {"params": RANGE | {"goal": "page_view"}},
    "POST /attribution/query": {"json": RANGE | {"goal": "page_view"}},
    "POST /performance/query": {"json": RANGE},
    "POST /errors/query": {"json": RANGE},
    "GET /reports/pages": {"params": RANGE},
    "GET /reports/risk": {"params": RANGE},
    "GET /reports/risk/sessions": {"params": RANGE},
    "GET /reports/risk/scores": {"params": RANGE},
    "GET /identity/graph": {"params": RANGE | {"visitor_id": "1"}},
    "GET /reports/sources": {"params": RANGE | {"by": "channel"}},
    "GET /reports/audience": {"params": RANGE | {"by": "country"}},
    "GET /reports/audience/newness": {"params": RANGE},
    "GET /reports/revenue": {"params": RANGE},
    "GET /events/recent": {},
    f"GET /events/{EVENT_ID}/fate": {},
}
ADAPTED: dict[str, dict[str, Any]] = {
    "/api/v1/analytics/retention": {},
    **{f"/analytics/{name}": RANGE for name in ("overview", "sessions/daily", "engagement", "pages/top", "geo")},
    "/analytics/sources": RANGE,
    "/analytics/storage": RANGE | {"filter": '{"field": "url", "value": ""}'},
    **{
        f"/websites/shop/analytics/{name}": {"start": "2026-03-05", "end": "2026-03-06"}
        for name in ("traffic", "pages", "users", "audience")
    },
}
"""Routes that ask others of these."""
OF_LEADS = ("/api/v1/leads/sources", "/analytics/leads/sources")
"""The routes that ask ClickHouse, each with a question about all events."""
UNBOUNDED = {
    *("/reports/realtime", "/sql", "/people/links"),
    *("/fingerprints/{fingerprint_id}", "/addresses/{ip}", "/networks/{asn}"),
    *("/cohorts/{cohort_id}/size", "/cohorts/{cohort_id}/members"),
    *("/queries", "/queries/{query_id}", "/queries/{query_id}/result", "/funnels/{funnel_id}/report"),
    *("/leads/{lead_id}/events", "/analytics/leads/{lead_id}/events"),
    *("/errors/{fingerprint}/resolve", "/errors/{fingerprint}/reopen"),
    *("/replay/sessions", "/replay/sessions/{session_id}"),
    *("/analytics/cohorts", "/analytics/realtime", "/analytics/anomalies", "/websites/{site_id}/analytics/realtime"),
}
"""One reads the last half hour alone, three the last week (tests/component/test_report_devices.py), one has its limits from ClickHouse (tests/component/test_sql_route.py), leads have a
test of their own (tests/component/test_leads.py), recordings another (tests/component/test_query_recordings.py) and lie elsewhere, of links there are few;
what is saved is to be made first, and is asked below."""


@pytest.fixture(scope="module")
def database(clickhouse_url: str) -> Iterator[str]:
    """The address of a database with many events, one for all tests."""
    name = f"test_{uuid4().hex[:12]}"
    outside = Client(clickhouse_url, "default")
    outside.command(f"CREATE DATABASE {name}")
    made = Client(f"{clickhouse_url}/{name}")
    migrate(made)
    _fill(made)
    yield f"{clickhouse_url}/{name}"
    made.close()
    outside.command(f"DROP DATABASE {name} SYNC")
    outside.close()


@pytest.fixture
def client(database: str) -> Iterator[Client]:
    made = Client(database)
    yield made
    made.close()


def _fill(client: Client) -> None:
    texts = ", ".join(f"\"{name}\": ', number, '" for name in "abcdefghij")
    client.command(
        "INSERT INTO events (site_id, event, ts, visitor_id, event_id, received_at, properties)"
        " SELECT 'shop', 'page_view', toDateTime64('2026-03-05 00:00:00', 3, 'UTC') + number % 86400, toString(number),"
        f" generateUUIDv4(), now(), concat('{{{texts}}}') FROM numbers({ROWS})"
    )
    for name in ("web_vitals", "error"):
        client.command(
            "INSERT INTO events (site_id, event, ts, visitor_id, event_id)"
            f" SELECT 'shop', '{name}', toDateTime64('2026-03-05 00:00:00', 3, 'UTC') + number, toString(number),"
            " generateUUIDv4() FROM numbers(2000)"
        )


@pytest.mark.parametrize(
    ("limit", "question", "said"),
    [
        ({"query_rows": 1_000}, HEAVY, "would read more than 1,000 rows (PULSE_QUERY_ROWS)"),
        ({"query_mb": 40}, HEAVY, "needed more than 40 MB of memory (PULSE_QUERY_MB)"),
        ({"query_seconds": 1}, LONG, "took longer than 1 seconds (PULSE_QUERY_SECONDS)"),
    ],
)
async def test_a_question_beyond_a_limit_is_answered_by_advice(
    tmp_path: Path, database: str, limit: dict[str, int], question: dict[str, Any], said: str
) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=database, **limit)) as api:
        answered = await api.ask("POST", "/api/v1/query", "reader", json=question)
        small = HEAVY | {"end_date": "1772668800001", "metrics": ["visitors"], "breakdown": []}
        told = await api.ask("POST", "/api/v1/query", "reader", json=small)
    assert answered.status_code == 504, answered.text
    assert said in answered.json()["detail"]
    assert "shorter range" in answered.json()["detail"]
    assert answered.json()["type"] == "urn:pulse:problem:too_costly"
    if "query_rows" not in limit:
        assert told.status_code == 200, told.text


async def test_every_route_that_asks_clickhouse_is_bounded(tmp_path: Path, database: str) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=database, query_rows=1_000)) as api:
        for route, asked in ASKED.items():
            method, path = route.split()
            answered = await api.ask(method, f"/api/v1{path}", "reader", **asked)
            assert answered.status_code == 504, (route, answered.text)
            assert "would read more than 1,000 rows (PULSE_QUERY_ROWS)" in answered.json()["detail"], route
        for path, question in ADAPTED.items():
            answered = await api.ask("GET", path, "reader", params=question)
            assert (answered.status_code, "PULSE_QUERY_ROWS" in answered.text) == (504, True), (path, answered.text)
        for path in OF_LEADS:
            answered = await api.ask("GET", path, "admin", params=RANGE | {"site_id": "shop"})
            assert (answered.status_code, "PULSE_QUERY_ROWS" in answered.text) == (504, True), (path, answered.text)
        body: dict[str, Any] = {"site_id": "shop", "name": "all", "definition": {"did": {}}}
        cohort = (await api.ask("POST", "/api/v1/cohorts", "admin", json=body)).json()["id"]
        for part in ("size", "members"):
            assert (await api.ask("GET", f"/api/v1/cohorts/{cohort}/{part}", "reader")).status_code == 504
        for way in ("resolve", "reopen"):
            answered = await api.ask(
                "POST", f"/api/v1/errors/0123456789abcdef/{way}", "admin", json={"site_id": "shop"}
            )
            assert answered.status_code == 504, answered.text
        refused = await api.ask("POST", "/api/v1/queries", "admin", json=SAVED)
        assert (refused.status_code, "PULSE_QUERY_ROWS" in refused.text) == (504, True), refused.text
        body = {"site_id": "shop", "name": "all", "steps": STEPS}
        funnel = (await api.ask("POST", "/api/v1/funnels", "admin", json=body)).json()["id"]
        answered = await api.ask("GET", f"/api/v1/funnels/{funnel}/report", "reader", params=RANGE)
        assert answered.status_code == 504, answered.text
        described = (await api.ask("GET", "/openapi.json", None)).json()["paths"]
    costly = {path for path, ways in described.items() if any("504" in way["responses"] for way in ways.values())}
    known = {route.split()[1].replace(EVENT_ID, "{event_id}") for route in ASKED} | UNBOUNDED
    known |= {path.removeprefix("/api/v1").replace("/shop/", "/{site_id}/") for path in (*ADAPTED, *OF_LEADS)}
    assert {path.removeprefix("/api/v1") for path in costly} == known


@pytest.fixture
async def served(tmp_path: Path, database: str) -> AsyncIterator[tuple[str, str]]:
    """The address of a query API over HTTP, and a key."""
    async with querying(settings_of(tmp_path, clickhouse_url=database)) as api:
        listening = port.free()
        server = uvicorn.Server(uvicorn.Config(api.app, port=listening, log_level="warning", lifespan="off"))
        running = asyncio.create_task(server.serve())
        await asyncio.to_thread(eventually, lambda: server.started)
        yield f"http://127.0.0.1:{listening}", api.keys["reader"]
        server.should_exit = True
        await running


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("query", HEAVY | {"filter": SLOW}),
        ("funnels/query", RANGE | {"steps": STEPS, "filter": SLOW}),
        ("retention/query", RANGE | {"filter": SLOW}),
    ],
)
async def test_a_question_ends_when_its_client_goes_away(
    served: tuple[str, str], client: Client, path: str, asked: dict[str, Any]
) -> None:
    url, key = served
    before = _cancelled(client)
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        asking = asyncio.create_task(http.post(f"/api/v1/{path}", json=asked))
        await asyncio.to_thread(eventually, lambda: _running(client, for_s=0.1) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(eventually, lambda: _running(client) == 0)
        await asyncio.to_thread(eventually, lambda: _cancelled(client) == before + 1)
        later = await http.post("/api/v1/query", json=HEAVY | {"metrics": ["visitors"], "breakdown": []})
    assert later.json()["totals"] == {"visitors": ROWS}


def test_a_question_of_a_process_that_dies_ends_with_its_connection(client: Client, database: str) -> None:
    before = _cancelled(client)
    bounded = Bounded(client, Limits(60, 4_000, 10**12))
    settings = {name: str(value) for name, value in bounded.settings.items()}
    statement = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
    address, _, name = database.rpartition("/")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(address, content=statement, params=settings | {"database": name}, timeout=3)
    eventually(lambda: _running(client) == 0)
    eventually(lambda: _cancelled(client) == before + 1)


def test_a_question_that_was_ended_asks_no_more(client: Client) -> None:
    bounded = Bounded(client, Limits(60, 4_000, 10**12))
    assert bounded.ask("SELECT 1").rows == [(1,)]
    with pytest.raises(TooCostly, match="more than 1,000,000,000,000 rows"):
        bounded.ask("SELECT sum(number) FROM numbers(10000000000000)")
    bounded.end()
    with pytest.raises(Exception, match="nobody waits"):
        bounded.ask("SELECT 1")


def _running(client: Client, for_s: float = 0) -> int:
    """How many questions have been running for so long: what is asked before the one that takes its time is over by then."""
    found = client.ask(
        "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query NOT LIKE '%system.%'"
        " AND elapsed >= {for_s:Float64}",
        {"for_s": for_s},
    )
    return int(found.rows[0][0])


def _cancelled(client: Client) -> int:
    """How many questions to this database were cancelled."""
    client.command("SYSTEM FLUSH LOGS query_log")
    statement = (
        "SELECT count() FROM system.query_log WHERE current_database = currentDatabase()"
        " AND exception_code = {code:Int32}"
    )
    return int(client.ask(statement, {"code": CANCELLED}).rows[0][0])
