"""POST /api/v1/sql: formats, parameters, limits, and answers that end early."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn

from clickhouse.client import Client
from deploy.local import port
from pulse.analyst.rule import Limits
from tests import analysing
from tests.analysing import Served
from tests.eventually import eventually
from tests.querying import Api, querying, settings_of

ROWS = 1_000
LIMITS = Limits(seconds=15, mb=200, rows=20_000_000)
ENDLESS = "SELECT sum(sleepEachRow(0.00004)) FROM numbers(19000000)"
MANY = "SELECT number, repeat('x', 100) AS text FROM numbers({n:UInt64})"
MOST_GROWTH = 30_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with analysing.serving(tmp_path_factory.mktemp("route") / "clickhouse", LIMITS) as made:
        analysing.fill(made.client, ("rival", "shop"), ROWS)
        yield made


@pytest.fixture
async def api(served: Served, tmp_path: Path) -> AsyncIterator[Api]:
    limits = {"query_seconds": LIMITS.seconds, "query_mb": LIMITS.mb, "query_rows": LIMITS.rows}
    async with querying(settings_of(tmp_path, clickhouse_url=served.url, **limits)) as made:
        yield made


@pytest.fixture
async def listening(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """The API over HTTP, for a key that may ask in SQL."""
    at = port.free()
    server = uvicorn.Server(uvicorn.Config(api.app, port=at, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    await asyncio.to_thread(eventually, lambda: server.started)
    headers = {"authorization": f"Bearer {api.keys['reader']}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at}/api/v1", headers=headers, timeout=60) as http:
        yield http
    server.should_exit = True
    await running


async def _ask(api: Api, query: str, **more: Any) -> httpx.Response:
    return await api.ask("POST", "/api/v1/sql", "reader", json={"query": query} | more)


async def test_every_format_is_its_own(api: Api) -> None:
    query = "SELECT site_id, count() AS events FROM events GROUP BY site_id"
    row = {"site_id": "shop", "events": ROWS}
    told = {form: await _ask(api, query, format=form) for form in ("csv", "json", "ndjson", "parquet", "arrow")}
    assert told["csv"].text == f'"site_id","events"\n"shop",{ROWS}\n'
    assert told["json"].json()["data"] == [row]
    assert told["ndjson"].json() == row
    assert pq.read_table(io.BytesIO(told["parquet"].content)).num_rows == 1
    assert pa.ipc.open_stream(told["arrow"].content).read_all().column("events").to_pylist() == [ROWS]
    assert [told[form].headers["content-type"].partition(";")[0] for form in told] == [
        "text/csv",
        "application/json",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
        "application/vnd.apache.arrow.stream",
    ]
    own = await _ask(api, f"{query} FORMAT TSV")
    assert (own.text, own.headers["content-type"]) == (f"shop\t{ROWS}\n", "application/octet-stream")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("String", "a'b\\c\td\ne", "a'b\\c\td\ne"),
        ("String", "x' OR 1 -- ", "x' OR 1 -- "),
        ("UInt64", 2**63, 2**63),
        ("Float64", 0.5, 0.5),
        ("Bool", True, True),
        ("Nullable(String)", None, None),
        ("Array(String)", ["a'b", "c\\d\te"], ["a'b", "c\\d\te"]),
        ("Array(Nullable(UInt8))", [1, None], [1, None]),
        ("DateTime64(3)", "2026-03-01 00:00:00.5", "2026-03-01 00:00:00.500"),
    ],
)
async def test_parameters_are_bound(api: Api, kind: str, value: Any, text: Any) -> None:
    told = await _ask(api, f"SELECT {{it:{kind}}} AS it", parameters={"it": value}, format="ndjson")
    assert told.json() == {"it": text}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC 1", "Syntax error"),
        ("SELECT nothing FROM events", "Unknown expression identifier"),
        ("SELECT * FROM nowhere", "Unknown table"),
        ("SELECT * FROM system.parts", "Not enough privileges"),
        ("SELECT 1; SELECT 2", "Multi-statements are not allowed"),
        ("SELECT {it:String}", "it"),
        ("INSERT INTO events (site_id) VALUES ('shop')", "Not enough privileges"),
        ("SELECT toUInt64('x')", "Cannot parse string"),
    ],
)
async def test_a_statement_that_is_refused_is_told_in_clickhouses_words(api: Api, query: str, said: str) -> None:
    told = await _ask(api, query)
    assert told.status_code == 400, told.text
    assert said in told.json()["detail"]
    assert not any(word in told.text for word in ("version", "DB::", "pulse_sql", "Stack trace"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT count() FROM numbers(30000000) WHERE number % 2", "PULSE_QUERY_ROWS"),
        ("SELECT groupArray(repeat('x', 1000)) FROM numbers(1000000)", "PULSE_QUERY_MB"),
        (ENDLESS, "PULSE_QUERY_SECONDS"),
    ],
)
async def test_a_statement_beyond_a_limit_is_answered_by_advice(api: Api, query: str, said: str) -> None:
    told = await _ask(api, query)
    assert told.status_code == 504, told.text
    assert told.json()["type"] == "urn:pulse:problem:too_costly"
    assert said in told.json()["detail"]


async def test_it_takes_its_scope_and_a_site_of_ones_own(api: Api) -> None:
    wanted = {"name": "x", "site_id": "shop", "scopes": ["stats:read"]}
    plain = (await api.ask("POST", "/api/v1/keys", "admin", json=wanted)).json()["key"]
    asked = {"query": "SELECT DISTINCT site_id FROM events", "format": "ndjson"}
    told = await api.http.post("/api/v1/sql", json=asked, headers={"x-api-key": plain})
    assert (told.status_code, "sql:read" in told.json()["detail"]) == (403, True)
    assert (await api.ask("POST", "/api/v1/sql", "admin", json=asked)).status_code == 400
    named = await api.ask("POST", "/api/v1/sql", "admin", json=asked | {"site_id": "shop"})
    assert named.json() == {"site_id": "shop"}
    assert (await api.ask("POST", "/api/v1/sql", "admin", json=asked | {"site_id": "rival"})).status_code == 404


async def test_an_answer_that_breaks_off_is_not_taken_for_whole(listening: httpx.AsyncClient) -> None:
    query = "SELECT number, repeat('x', 100), throwIf(number = 900000, 'enough') FROM numbers(1000000)"
    with pytest.raises(httpx.RemoteProtocolError):
        await listening.post("/sql", json={"query": query, "format": "csv"})
    assert (await listening.post("/sql", json={"query": "SELECT 1", "format": "csv"})).text == '"1"\n1\n'


async def test_a_statement_ends_when_its_client_goes_away(listening: httpx.AsyncClient, served: Served) -> None:
    asking = asyncio.create_task(listening.post("/sql", json={"query": ENDLESS}))
    await asyncio.to_thread(eventually, lambda: _running(served.client) == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.to_thread(eventually, lambda: _running(served.client) == 0)


async def test_an_export_ends_when_its_client_goes_away(listening: httpx.AsyncClient, api: Api, served: Served) -> None:
    asked = {"query": MANY, "parameters": {"n": 19_000_000}, "format": "csv"}
    async with listening.stream("POST", "/sql", json=asked) as answer:
        assert answer.status_code == 200
        await anext(answer.aiter_raw())
    await asyncio.to_thread(eventually, lambda: _running(served.client) == 0)
    await asyncio.to_thread(eventually, lambda: api.parts.sql_turns.borrowed_tokens == 0)


async def test_an_export_is_not_gathered_in_memory(listening: httpx.AsyncClient) -> None:
    process = psutil.Process()
    asked = {"query": MANY, "parameters": {"n": 600_000}, "format": "csv"}
    before, most, size = process.memory_info().rss, 0, 0
    async with listening.stream("POST", "/sql", json=asked) as answer:
        async for piece in answer.aiter_raw():
            size += len(piece)
            most = max(most, process.memory_info().rss)
    assert size > 60_000_000
    assert most - before < MOST_GROWTH


def _running(client: Client) -> int:
    found = client.ask("SELECT count() FROM system.processes WHERE user = 'pulse_sql'")
    client.close()
    return int(found.rows[0][0])
