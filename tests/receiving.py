"""A receiver of webhooks on this machine, that answers as it is told and notes what it was sent."""

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Thread
from typing import NamedTuple

HANG, CLOSE, CUT, ENDLESS, DRIP = "hang", "close", "cut", "endless", "drip"
"""Answers nothing; hangs up; hangs up within the body; a body of 1 GB; a byte of the head from time to time."""
GIGABYTE = 2**30
PART = b"x" * 65_536


class Reply(NamedTuple):
    """A status with headers and a body."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b"ok"


Behaviour = Reply | str


class Request(NamedTuple):
    """What was sent, and when, in seconds of a clock that never steps."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """Behaviours by path, one after the other, the last for ever; `sent` counts the bytes of endless bodies."""

    port: int = 0
    script: dict[str, Sequence[Behaviour]] = field(default_factory=dict)
    got: list[Request] = field(default_factory=list)
    sent: int = 0
    most_at_once: int = 0
    _at_once: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Request]:
        """What was sent to a path."""
        return [each for each in self.got if each.path == path]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await _request(reader)
            number = len(self.at(request.path))
            self.got.append(request)
            script = self.script.get(request.path, [Reply()])
            await self._behave(script[min(number, len(script) - 1)], writer)
        self._at_once -= 1
        writer.transport.abort() if writer.is_closing() else writer.close()

    async def _behave(self, behaviour: Behaviour, writer: asyncio.StreamWriter) -> None:
        if isinstance(behaviour, Reply):
            body = behaviour.body
            fields = {"content-length": str(len(body)), **behaviour.headers}
            writer.write(_head(behaviour.status, fields) + body)
            await writer.drain()
        elif behaviour == HANG:
            await asyncio.sleep(60)
        elif behaviour == CUT:
            writer.write(_head(200, {"content-length": "1000"}) + b"half")
            await writer.drain()
        elif behaviour == ENDLESS:
            await self._pour(writer)
        elif behaviour == DRIP:
            for byte in _head(200, {"x": "y" * 1_000}):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)

    async def _pour(self, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"content-length": str(GIGABYTE)}))
        while self.sent < GIGABYTE:
            writer.write(PART)
            await writer.drain()
            self.sent += len(PART)


@contextmanager
def receiving(script: dict[str, Sequence[Behaviour]], tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a port of its own, in a thread."""
    receiver, ready, loop = Receiver(script=script), Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0, ssl=tls, backlog=1_000)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(serve())
        loop.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield receiver
    loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    thread.join(10)


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    _, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(path, headers, body, time.monotonic())


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()
