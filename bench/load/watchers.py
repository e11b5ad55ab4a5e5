"""Many WebSockets in one process: what reaches them, and how long after it was made.

`python -m bench.load.watchers`, which takes a `Plan` as JSON on standard input and prints a line once they are open; in the end it writes `Watched` as JSON
into the plan's file.
"""

import asyncio
import base64
import re
import resource
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

OPENING = 200
"""Connections that are opened at the same time."""
SETTLED_S = 3.0
TENTH_MS = 10_000
"""In which each connection is sent one aggregate, each in its turn."""
AT = re.compile(rb'"at":(\d+)')
RECEIVED = re.compile(rb'"received_at":(\d+)')


class Plan(Struct):
    """So many connections spread evenly over sites; the first `followers` are sent events too."""

    host: str
    port: int
    key: str
    sites: list[str]
    connections: int
    followers: int
    seconds: float
    output: str


class Watched(Struct):
    """Milliseconds from a tick to its frames, from an event to its frame; and what else was seen."""

    opened: int
    opening_s: float
    aggregates_ms: list[list[int]]
    counters_ms: list[int]
    events_ms: list[int]
    frames: int
    lost: int
    cpu_s: float


class Watcher(asyncio.Protocol):
    """One connection: what is needed of RFC 6455 to read frames of a server."""

    __slots__ = ("_board", "_buffer", "_is_open", "_request", "opened", "transport")

    def __init__(self, request: bytes, board: "Board") -> None:
        self._request = request
        self._board = board
        self._buffer = b""
        self._is_open = False
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)  # uvloop's own kind says of none what it is
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._board.lost += 1
        if not self.opened.done():
            self.opened.set_result(False)

    def data_received(self, data: bytes) -> None:
        now = time.time_ns() // 1_000_000
        data = self._buffer + data
        begin = 0
        if not self._is_open:
            begin = data.find(b"\r\n\r\n") + 4
            if begin < 4:
                self._buffer = data
                return
            self._is_open = True
            self.opened.set_result(data.startswith(b"HTTP/1.1 101"))
        while True:
            end, payload, opcode = _frame(data, begin)
            if end < 0:
                break
            if opcode == 9:
                self.transport.write(b"\x8a\x80\0\0\0\0")
            elif opcode == 1:
                self._board.note(data[payload:end], now)
            begin = end
        self._buffer = data[begin:]


class Board:
    """What all connections have seen."""

    def __init__(self) -> None:
        self.aggregates: dict[int, list[int]] = {}
        self.counters: list[int] = []
        self.events: list[int] = []
        self.frames = self.lost = 0
        self.is_counting = False

    def note(self, message: bytes, now: int) -> None:
        """Note a message."""
        if not self.is_counting:
            return
        self.frames += 1
        kind = message[9:12]
        if kind == b"eve":
            self.events += [now - int(at) for at in RECEIVED.findall(message)]
        elif kind in (b"cou", b"agg"):
            found = AT.search(message)
            assert found is not None
            at = int(found[1])
            if kind == b"cou":
                self.counters.append(now - at)
            else:
                self.aggregates.setdefault(at // TENTH_MS, []).append(now - at)


def _frame(data: bytes, begin: int) -> tuple[int, int, int]:
    """The end of a frame, the beginning of its payload and its opcode; -1 where it is not whole."""
    if len(data) < begin + 2:
        return -1, 0, 0
    size, payload = data[begin + 1], begin + 2
    if size > 125:
        width = 2 if size == 126 else 8
        size, payload = int.from_bytes(data[payload : payload + width], "big"), payload + width
    end = payload + size
    return (end, payload, data[begin] & 15) if end <= len(data) else (-1, 0, 0)


async def watch(plan: Plan) -> Watched:
    """Open the connections, and look for as long as planned."""
    board, began = Board(), time.perf_counter()
    turns = asyncio.Semaphore(OPENING)
    watchers = await asyncio.gather(*(_opened(plan, number, board, turns) for number in range(plan.connections)))
    opening_s = time.perf_counter() - began
    await asyncio.sleep(SETTLED_S)
    print(f"{sum(watchers)} open", flush=True)
    board.is_counting, before = True, time.process_time()
    await asyncio.sleep(plan.seconds)
    board.is_counting = False
    return Watched(
        opened=sum(watchers),
        opening_s=opening_s,
        aggregates_ms=list(board.aggregates.values()),
        counters_ms=board.counters,
        events_ms=board.events,
        frames=board.frames,
        lost=board.lost,
        cpu_s=time.process_time() - before,
    )


async def _opened(plan: Plan, number: int, board: Board, turns: asyncio.Semaphore) -> bool:
    site = plan.sites[number % len(plan.sites)]
    show = "events,counters,aggregate,alerts" if number < plan.followers else "counters,aggregate,alerts"
    nonce = base64.b64encode(number.to_bytes(16, "big")).decode()
    request = (
        f"GET /api/v1/live?site_id={site}&show={show} HTTP/1.1\r\nHost: {plan.host}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\nX-API-Key: {plan.key}\r\n\r\n"
    )
    async with turns:
        loop = asyncio.get_running_loop()
        _, watcher = await loop.create_connection(lambda: Watcher(request.encode(), board), plan.host, plan.port)
        return await watcher.opened


def main() -> None:
    """Watch as standard input says."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    Path(plan.output).write_bytes(msgspec.json.encode(uvloop.run(watch(plan))))


if __name__ == "__main__":
    main()
