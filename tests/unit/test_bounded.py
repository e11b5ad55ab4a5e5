"""Bodies that are larger than is taken are refused, whether they say so or not, and no more of them is read."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from api import problems
from api.bounded import Bounded

MOST = 1_000


def app() -> FastAPI:
    made = FastAPI()

    @made.post("/form")
    async def form(body: dict[str, Any]) -> int:
        return len(body)

    @made.post("/bytes")
    async def octets(request: Request) -> int:
        return len(await request.body())

    made.add_middleware(Bounded, MOST)
    problems.install(made)
    return made


async def parts(number: int) -> Any:
    for _ in range(number):
        yield b" " * 100


def posted(path: str, content: Any) -> httpx.Response:
    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://pulse") as client:
            return await client.post(path, content=content, headers={"content-type": "application/json"})

    return asyncio.run(post())


@pytest.mark.parametrize("path", ["/form", "/bytes"])
@pytest.mark.parametrize("is_declared", [True, False])
def test_what_is_too_large_is_answered_as_such(path: str, is_declared: bool) -> None:
    answer = posted(path, b" " * (MOST + 1) if is_declared else parts(11))
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body has more than 16 MB")
    assert answer.headers["content-type"] == problems.MEDIA_TYPE


@pytest.mark.parametrize("content", [b" " * MOST, parts(10)])
def test_what_is_just_small_enough_is_read(content: Any) -> None:
    answer = posted("/bytes", content)
    assert (answer.status_code, answer.json()) == (200, MOST)


def test_no_more_is_read_than_shows_that_it_is_too_much() -> None:
    read, sent = 0, list[Message]()

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 600, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/bytes", "headers": [], "query_string": b"", "root_path": ""}
    asyncio.run(app()(scope | {"app": None, "http_version": "1.1", "scheme": "http"}, receive, send))
    assert (read, sent[0]["status"]) == (2, 413)
