"""An event stream whose client takes nothing any more, and one whose client takes what is left."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from api.live import stream
from api.live.connection import Http, cutting
from api.live.message import message
from api.live.stream import Stream
from tests.eventually import eventually_told


async def test_a_connection_is_cut_from_within_its_answer(free_port: Callable[[], int]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        asyncio.get_running_loop().call_later(0.1, cutting())
        while (await receive())["type"] != "http.disconnect":
            pass

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, http=Http, lifespan="off", log_config=None))

    async def begun() -> bool:
        return server.started

    serving = asyncio.create_task(server.serve())
    await eventually_told(begun)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    got = await asyncio.wait_for(reader.read(), 30)
    assert b"begun" in got
    assert not got.endswith(b"0\r\n\r\n")
    writer.close()
    server.should_exit = True
    await serving


async def test_who_takes_nothing_is_cut_off_and_who_takes_the_rest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "GRACE_S", 0.2)
    cut: list[str] = []
    stuck, well = (Stream(100, lambda name=name: cut.append(name)) for name in ("stuck", "well"))  # type: ignore[misc]
    for client in (stuck, well):
        client.put(message("events", text="x" * 80))
        client.put(message("events", text="x" * 80))

    async def is_cut() -> bool:
        return bool(cut)

    rest = [chunk async for chunk in well.chunks()]
    well.gone()
    assert (len(rest), b"4408" in rest[-1]) == (3, True)
    await eventually_told(is_cut)
    assert cut == ["stuck"]
