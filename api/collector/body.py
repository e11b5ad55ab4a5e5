"""Reading a request's body, within its limits of size, memory and time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from api.collector.answer import Problem, untaken
from api.collector.inflate import inflate, too_large

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

READ_S = 30
"""How long a client may take over sending a body."""
IN_LINE_BYTES = 64 * 1024
"""A compressed body beyond this is decompressed beside the loop, which others wait for."""
INFLATED_AT_ONCE = 1
"""So many large bodies stand in the memory as they were before compression: each is tens of megabytes, and judging them takes turns anyway."""
DISCARDED_BYTES = 128 * 1024 * 1024
DISCARD_S = 2
"""How much of a body that is refused is still taken from its client, and for how long."""
TURN_S = 10
"""How long a large compressed body waits for its turn."""


class Gone(Exception):
    """The client went away; nobody is there to be answered."""


class Room:
    """The memory that unfinished bodies may take together, in bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def take(self, size: int) -> None:
        """Take some of it; raises Problem 503 if it is not there."""
        if self._taken + size > self._most:
            raise untaken("too many large requests at once", 1)
        self._taken += size

    def give(self, size: int) -> None:
        """Give it back."""
        self._taken -= size


class Turns:
    """Who may inflate a large body: one at once; the others wait, and what they sent takes its part of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._free = asyncio.Semaphore(INFLATED_AT_ONCE)

    @asynccontextmanager
    async def inflated(self, body: bytes, coding: str, limit: int) -> AsyncIterator[bytes]:
        """The body decompressed beside the loop; it must not outlive the block.

        Raises what `inflate` raises, and Problem 503 if there is no room or the turn does not come in time.
        """
        self._room.take(len(body))
        try:
            await self._begin()
            try:
                yield await asyncio.to_thread(inflate, body, coding, limit)
            finally:
                self._free.release()
        finally:
            self._room.give(len(body))

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(TURN_S):
                await self._free.acquire()
        except TimeoutError:
            raise untaken("too many large requests at once", 1) from None


def is_quick(body: bytes, coding: str) -> bool:
    """Whether a body is plain, or so small that it is decompressed in line."""
    return not coding or len(body) <= IN_LINE_BYTES


async def read(receive: Receive, declared: bytes | None, limit: int, room: Room) -> bytes:
    """The body as it came; `declared` is the content-length header.

    Raises Problem 413 beyond `limit` bytes, 408 for a client that takes too long, Gone if it went away.
    """
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        raise unread(too_large(limit))
    coming = _Coming(receive())
    first = coming.at_once()
    if first is not None and first["type"] == "http.request" and not first.get("more_body"):
        body: bytes = first.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        return body
    try:
        async with asyncio.timeout(READ_S):
            return await _rest(first or await coming, receive, limit, room)
    except TimeoutError:
        raise Problem(408, "too_slow", f"the body did not arrive within {READ_S} s") from None


def unread(fault: Problem) -> Problem:
    """The problem, of a request whose body is still to come."""
    fault.is_unread = True
    return fault


def hangs_up(http_version: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a connection ends with the answer though its client is sending a body.

    Whoever closes before all has come resets the connection, and the client never sees the answer. A client that
    waits to be told to send is sent the answer instead; on a connection that stays, the server reads on by itself.
    """
    closes = http_version == "1.0" or headers.get(b"connection", b"").lower() == b"close"
    sends = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
    return closes and sends and b"expect" not in headers


async def discard(receive: Receive) -> None:
    """Take the rest of a body and forget it, within bounds of size and time."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            while size < DISCARDED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


class _Coming:
    """A message that is received: looked for first, and waited for only if it is not there, as a timer costs 5 µs."""

    def __init__(self, receiving: Awaitable[Message]) -> None:
        self._steps = receiving.__await__()
        self._waits_for: Any = None

    def at_once(self) -> Message | None:
        """The message if it is there; else it must be awaited."""
        try:
            self._waits_for = next(self._steps)
        except StopIteration as there:
            message: Message = there.value
            return message
        return None

    def __await__(self) -> Generator[Any, Any, Message]:
        try:
            yield self._waits_for
        except BaseException:
            self._steps.close()
            raise
        return (yield from self._steps)


async def _rest(message: Message, receive: Receive, limit: int, room: Room) -> bytes:
    pieces, size = [], 0
    try:
        while True:
            if message["type"] != "http.request":
                raise Gone
            piece: bytes = message.get("body", b"")
            room.take(len(piece))
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            if not message.get("more_body"):
                return b"".join(pieces)
            message = await receive()
    except Problem as fault:
        fault.is_unread = bool(message.get("more_body"))
        raise
    finally:
        room.give(size)
