"""Errors as they are answered."""

import json
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from api import problems
from api.collector import answer
from pulse.errors import Conflict, NotFound, PulseError, QueryError, SchemaError, Unavailable

ERRORS: dict[str, Exception] = {
    "key": problems.Unauthenticated("no key"),
    "scope": problems.Forbidden("not with this key"),
    "parameter": problems.BadParameter("limit", "is too large"),
    "absent": NotFound("there is no site 'x'"),
    "taken": Conflict("it is there already"),
    "away": Unavailable("ClickHouse does not answer"),
    "question": QueryError("several currencies"),
    "tables": QueryError("no such table", 60),
    "refused": QueryError("a fault in a query", 62),
    "schema": SchemaError("not as the migrations made it"),
    "named": PulseError("something"),
    "bug": ZeroDivisionError("secret detail"),
    "http": HTTPException(418, "a teapot", {"x-tea": "green"}),
}


class Body(BaseModel):
    """A body."""

    origins: list[int]


def name_of(status: int) -> str:
    """What a problem of this status is named."""
    return problems.NAMES.get(status, "refused")


@pytest.fixture
def http() -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/fail/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name]

    @app.get("/list")
    async def listed(limit: Annotated[int, Query(le=200)], word: Annotated[str, Query(max_length=2)] = "") -> None:
        return None

    @app.post("/body")
    async def body(_: Body) -> None:
        return None

    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://pulse")


@pytest.mark.parametrize(
    ("name", "status", "detail"),
    [
        ("key", 401, "no key"),
        ("scope", 403, "not with this key"),
        ("parameter", 400, "limit: is too large"),
        ("absent", 404, "there is no site 'x'"),
        ("taken", 409, "it is there already"),
        ("away", 503, "ClickHouse does not answer"),
        ("question", 400, "several currencies"),
        ("tables", 503, "no such table"),
        ("http", 418, "a teapot"),
    ],
)
async def test_each_kind_has_its_status(http: httpx.AsyncClient, name: str, status: int, detail: str) -> None:
    said = await http.get(f"/fail/{name}")
    body: dict[str, Any] = said.json()

    assert said.status_code == body["status"] == status
    assert said.headers["content-type"] == "application/problem+json"
    assert body["detail"] == detail
    assert body["type"].removeprefix("urn:pulse:problem:") == name_of(status)
    assert body["title"]


async def test_the_collector_s_problems_have_the_same_members(http: httpx.AsyncClient) -> None:
    told = (await http.get("/fail/parameter")).json()
    _, headers, content = answer.failed(answer.invalid("limit", "is too large"))

    assert json.loads(content) == told
    assert (b"content-type", problems.MEDIA_TYPE.encode()) in headers


async def test_headers_say_what_to_do(http: httpx.AsyncClient) -> None:
    assert (await http.get("/fail/key")).headers["www-authenticate"] == "Bearer"
    assert int((await http.get("/fail/away")).headers["retry-after"]) > 0
    assert (await http.get("/fail/http")).headers["x-tea"] == "green"


@pytest.mark.parametrize("name", ["bug", "schema", "named", "refused"])
async def test_a_bug_is_found_by_its_id_and_told_to_the_log_alone(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    answer = await http.get(f"/fail/{name}")
    logged = [record for record in caplog.records if getattr(record, "id", None) == answer.json()["id"]]

    assert answer.status_code == 500
    assert str(ERRORS[name]) not in answer.text
    assert "Traceback" not in answer.text
    assert [record.exc_info for record in logged if record.exc_info]


async def test_every_refused_parameter_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.get("/list", params={"limit": 201, "word": "long"})

    assert answer.status_code == 400
    assert {error["parameter"] for error in answer.json()["errors"]} == {"limit", "word"}
    assert all(error["reason"] for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b'{"origins":[1,"x"]}', "origins.1"),
        (b"{}", "origins"),
        (b"{", "body"),
        (b'{"origins":"\\ud800"}', "origins"),
    ],
)
async def test_a_bad_body_is_named_by_its_place(http: httpx.AsyncClient, body: bytes, parameter: str) -> None:
    answer = await http.post("/body", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert parameter in {error["parameter"] for error in answer.json()["errors"]}


async def test_a_body_that_is_no_text_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/body", content=b"\xff", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert "body" in answer.json()["detail"]


async def test_the_description_names_problems_and_not_the_frameworks_form(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()

    assert {"Problem", "Fault"} <= set(schema["components"]["schemas"])
    assert "HTTPValidationError" not in str(schema)
    assert "422" not in schema["paths"]["/list"]["get"]["responses"]
