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
from clickhouse.migrate import migrate
from deploy.local import port
from pulse.errors import TooCostly
from tests.eventually import eventually
from tests.querying import querying, settings_of

ROWS = 200_000
HEAVY: dict[str, Any] = {
    "start_date": "2026-03-05",
    "end_date": "2026-03-06",
    "metrics": [f"p99:properties.{name}" for name in "abcdefghij"],
    "breakdown": ["visitor_id", "properties.a"],
}
CANCELLED = 394


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
        "INSERT INTO events (site_id, event, ts, visitor_id, event_id, properties)"
        " SELECT 'shop', 'page_view', toDateTime64('2026-03-05 00:00:00', 3, 'UTC') + number % 86400, toString(number),"
        f" generateUUIDv4(), concat('{{{texts}}}') FROM numbers({ROWS})"
    )


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"query_rows": 1_000}, "would read more than 1,000 rows (PULSE_QUERY_ROWS)"),
        ({"query_mb": 40}, "needed more than 40 MB of memory (PULSE_QUERY_MB)"),
        ({"query_seconds": 1}, "took longer than 1 seconds (PULSE_QUERY_SECONDS)"),
    ],
)
async def test_a_question_beyond_a_limit_is_answered_by_advice(
    tmp_path: Path, database: str, limit: dict[str, int], said: str
) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=database, **limit)) as api:
        answered = await api.ask("POST", "/api/v1/query", "reader", json=HEAVY)
        small = HEAVY | {"end_date": "1772668800001", "metrics": ["visitors"], "breakdown": []}
        told = await api.ask("POST", "/api/v1/query", "reader", json=small)
    assert answered.status_code == 504, answered.text
    assert said in answered.json()["detail"]
    assert "shorter range" in answered.json()["detail"]
    assert answered.json()["type"] == "urn:pulse:problem:too_costly"
    if "query_rows" not in limit:
        assert told.status_code == 200, told.text


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


async def test_a_question_ends_when_its_client_goes_away(served: tuple[str, str], client: Client) -> None:
    url, key = served
    before = _cancelled(client)
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
        asking = asyncio.create_task(http.post("/api/v1/query", json=HEAVY))
        await asyncio.to_thread(eventually, lambda: _running(client) == 1)
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


def _running(client: Client) -> int:
    found = client.command(
        "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query NOT LIKE '%system.%'"
    )
    return int(str(found))


def _cancelled(client: Client) -> int:
    """How many questions to this database were cancelled."""
    client.command("SYSTEM FLUSH LOGS query_log")
    statement = (
        "SELECT count() FROM system.query_log WHERE current_database = currentDatabase()"
        " AND exception_code = {code:Int32}"
    )
    return int(client.ask(statement, {"code": CANCELLED}).rows[0][0])
