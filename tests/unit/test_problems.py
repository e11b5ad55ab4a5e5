"""Errors as they are answered."""

import json
import time
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field
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
    "step": QueryError("steps[0].optional: the first step\nbegins the funnel"),
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


class Strict(BaseModel):
    """A part that takes nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class Above(Strict):
    """A condition."""

    kind: Literal["above"]
    value: float


class Silent(Strict):
    """Another one."""

    kind: Literal["silent"]
    minutes: int = 5


class Watch(Strict):
    """A body of parts."""

    metric: str = "events"
    window_minutes: int = 5
    since: int = Field(0, alias="from")
    condition: Annotated[Above | Silent, Field(discriminator="kind")] = Silent(kind="silent")
    others: list["Watch"] = []


class Asked(Strict):
    """A query."""

    granularity: str = "day"
    metric: Literal["events"] | Literal["users", "visitors"] = "events"


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

    @app.post("/watch")
    async def watch(_: Watch | None = None) -> None:
        return None

    @app.get("/asked")
    async def asked(_: Annotated[Asked, Query()]) -> None:
        return None

    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://pulse")


async def test_what_a_question_tells_of_a_place_is_told_of_that_parameter(http: httpx.AsyncClient) -> None:
    said = (await http.get("/fail/step")).json()
    assert said["errors"] == [{"parameter": "steps.0.optional", "reason": "the first step\nbegins the funnel"}]
    assert (await http.get("/fail/question")).json()["errors"] == []


async def test_a_word_that_is_in_none_of_several_lists_is_told_once(http: httpx.AsyncClient) -> None:
    said = (await http.get("/asked", params={"metric": "foo"})).json()
    assert said["errors"] == [{"parameter": "metric", "reason": "is none of 'events', 'users' or 'visitors'"}]


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


@pytest.mark.parametrize(
    ("body", "parameter", "meant"),
    [
        ({"window": 5}, "window", "window_minutes"),
        ({"windowMinutes": 5}, "windowMinutes", "window_minutes"),
        ({"form": 5}, "form", "from"),
        ({"condition": {"kind": "above", "value": 1, "vaule": 1}}, "condition.above.vaule", "value"),
        ({"value": 1}, "value", "condition.value"),
        ({"others": [{}, {"metrics": "events"}]}, "others.1.metrics", "metric"),
    ],
)
async def test_an_unknown_field_is_told_with_the_likeliest(
    http: httpx.AsyncClient, body: dict[str, Any], parameter: str, meant: str
) -> None:
    [error] = (await http.post("/watch", json=body)).json()["errors"]
    assert error == {"parameter": parameter, "reason": f"Extra inputs are not permitted; did you mean {meant}?"}


async def test_an_unknown_field_that_is_like_none_is_told_alone(http: httpx.AsyncClient) -> None:
    for wrong in ({"zzz": 1}, {"condition": {"kind": "silent", "value": 1}}, {"x" * 1_000_000: 1}):
        [error] = (await http.post("/watch", json=wrong)).json()["errors"]
        assert error["reason"] == "Extra inputs are not permitted"


async def test_an_unknown_parameter_is_told_with_the_likeliest(http: httpx.AsyncClient) -> None:
    answer = await http.get("/asked", params={"granuality": "hour"})
    assert answer.json()["detail"] == "granuality: Extra inputs are not permitted; did you mean granularity?"


async def test_any_number_of_unknown_fields_is_told_at_once(http: httpx.AsyncClient) -> None:
    began = time.process_time()
    answer = await http.post("/watch", json={f"metric{number}": 1 for number in range(20_000)})
    told = [error["reason"].endswith("did you mean metric?") for error in answer.json()["errors"]]
    assert (len(told), sum(told)) == (20_000, problems.MOST_MEANT)
    assert time.process_time() - began < 5


async def test_a_body_that_is_no_text_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/body", content=b"\xff", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert "body" in answer.json()["detail"]


async def test_the_description_names_problems_and_not_the_frameworks_form(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()

    assert {"Problem", "Fault"} <= set(schema["components"]["schemas"])
    assert "HTTPValidationError" not in str(schema)
    assert "422" not in schema["paths"]["/list"]["get"]["responses"]
