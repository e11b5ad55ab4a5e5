"""The live view as `text/event-stream`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from logging import getLogger

from api.live import meters
from api.live.client import AWAY, FAULT, SLOW, Admitted, Client
from api.live.connection import cutting
from api.live.live import Live
from api.live.message import Message, message
from api.live.want import Want
from pulse.errors import PulseError

GRACE_S = 5.0
"""So long a client that is ended may take to take the rest; then it is cut off."""
ROOM_S = 30.0
RETRY = b"retry: 2000\n\n"

log = getLogger(__name__)


class Stream(Client):
    """A client with a queue of chunks, of at most so many bytes."""

    __slots__ = ("_bytes", "_chunks", "_cut", "_cutting", "_has_ended", "_most", "_taken", "_there")

    def __init__(self, most_bytes: int, cut: Callable[[], None]) -> None:
        super().__init__()
        self._most = most_bytes
        self._cut = cut
        self._cutting: asyncio.TimerHandle | None = None
        self._chunks: deque[bytes] = deque([RETRY])
        self._bytes = 0
        self._there = asyncio.Event()
        self._taken = asyncio.Event()
        self._has_ended = False

    def put(self, message: Message) -> None:
        if self._has_ended:
            return
        if self._bytes and self._bytes + len(message.chunk) > self._most and not self.is_catching_up:
            self.end(SLOW, "slow: you do not take what you are sent")
        else:
            self._add(message.chunk)

    def beat(self, message: Message) -> None:
        self.put(message)

    async def room(self) -> bool:
        try:
            async with asyncio.timeout(ROOM_S):
                while self._bytes and not self._has_ended:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            self.end(SLOW, "slow: you do not take what you have missed")
        return not self._has_ended

    def end(self, code: int, reason: str) -> None:
        if not self._has_ended:
            meters.ENDED.labels(str(code)).inc()
            self._add(message("closed", code=code, reason=reason).chunk)
            self._finish()
            self._cutting = asyncio.get_running_loop().call_later(GRACE_S, self._cut)

    def _add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        self._there.set()

    def _finish(self) -> None:
        self._has_ended = True
        self._there.set()
        self._taken.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is sent, until the end."""
        while True:
            self._there.clear()
            while self._chunks:
                chunk = self._chunks.popleft()
                yield chunk
                self._bytes = max(0, self._bytes - len(chunk))
                self._taken.set()
            if self._has_ended and not self._chunks:
                return
            await self._there.wait()

    def gone(self) -> None:
        """Nothing is sent any more, be it that all is taken or that the connection is no more."""
        self._finish()
        if self._cutting is not None:
            self._cutting.cancel()


async def _following(live: Live, client: Stream, admitted: Admitted, want: Want, last_id: str) -> None:
    try:
        await live.follow(client, admitted, want, last_id)
    except PulseError as error:
        client.end(AWAY, str(error))
    except Exception:
        log.exception("a connection failed unforeseen")
        client.end(FAULT, "this is a fault of Pulse")


async def streaming(live: Live, admitted: Admitted, want: Want, last_id: str) -> AsyncIterator[bytes]:
    """The body of an answer."""
    client = Stream(live.settings.live_queue_kb * 1024, cutting())
    live.add(client)
    meters.OPENED.labels("sse").inc()
    meters.CONNECTIONS.labels("sse").inc()
    following = live.run(_following(live, client, admitted, want, last_id))
    try:
        async for chunk in client.chunks():
            yield chunk
    finally:
        client.gone()
        following.cancel()
        live.remove(client)
        meters.CONNECTIONS.labels("sse").dec()
