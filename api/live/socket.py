"""WebSockets: each a protocol on its transport, without a task and without a queue of its own.

The handshake and what a client sends are the `websockets` library's. What is sent was made into a frame once for all
clients, and goes straight to the transport, whose buffer is the client's bounded queue.
"""

import asyncio
from http import HTTPStatus
from logging import WARNING, getLogger
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl

from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from api.live import meters
from api.live.client import AWAY, BAD, FAULT, FORBIDDEN, GONE, SLOW, UNAUTHORIZED, UNKNOWN, Client
from api.live.live import Live
from api.live.message import PING, Message, closing, frame
from api.live.want import want_of
from api.problems import BadParameter, Forbidden, Unauthenticated
from pulse.errors import NotFound, PulseError, Unavailable

PATH = "/api/v1/live"
LONGEST_MESSAGE = 4_096
"""Clients have nothing to say."""
GRACE_S = 5.0
"""So long a client may take to close its side."""
ROOM_S = 30.0
"""So long a client may take what it has missed."""
MISSED_BEATS = 2
ASK = frame(PING, b"")
CODES: dict[type[PulseError], int] = {
    BadParameter: BAD,
    Unauthenticated: UNAUTHORIZED,
    Forbidden: FORBIDDEN,
    NotFound: UNKNOWN,
    Unavailable: AWAY,
}

log = getLogger(__name__)
_LIBRARY = getLogger("api.live.websockets")
_LIBRARY.setLevel(WARNING)  # it tells of each connection


class Socket(asyncio.Protocol, Client):
    """One WebSocket, as uvicorn hands it over. `live` is set by `sockets`."""

    live: ClassVar[Live]

    __slots__ = ("_connections", "_has_ended", "_loop", "_protocol", "_resumed", "_transport", "_unheard")

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
        Client.__init__(self)
        self._connections: set[Any] = server_state.connections
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(extensions=None, max_size=LONGEST_MESSAGE, logger=_LIBRARY)
        self._transport: asyncio.Transport
        self._resumed: asyncio.Event | None = None
        self._has_ended = False
        self._unheard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self.live.settings.live_queue_kb * 1024)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._close()
        if self._resumed is not None:
            self._resumed.set()

    def data_received(self, data: bytes) -> None:
        self._unheard = 0
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._asked(event)
        self._answer()

    def eof_received(self) -> None:
        self._transport.close()

    def pause_writing(self) -> None:
        if self.is_catching_up:
            self._resumed = self._resumed or asyncio.Event()
            self._resumed.clear()
        elif not self._has_ended:
            self.end(SLOW, "slow: you do not take what you are sent")

    def resume_writing(self) -> None:
        if self._resumed is not None:
            self._resumed.set()

    def shutdown(self) -> None:
        """Asked by uvicorn when it stops."""
        self.end(GONE, "the process stops: connect again")
        self._transport.close()

    def put(self, message: Message) -> None:
        self._transport.write(message.frame)

    def beat(self, message: Message) -> None:
        self._unheard += 1
        if self._unheard > MISSED_BEATS:
            self._close()
            self._transport.abort()
        else:
            self._transport.write(ASK + message.frame)

    def catch_up(self, begins: bool) -> None:
        self.is_catching_up = begins
        if not self._transport.is_closing():
            self._transport.set_write_buffer_limits(high=0 if begins else self.live.settings.live_queue_kb * 1024)

    async def room(self) -> bool:
        if self._resumed is not None:
            try:
                async with asyncio.timeout(ROOM_S):
                    await self._resumed.wait()
            except TimeoutError:
                self.end(SLOW, "slow: you do not take what you have missed")
        return not self._has_ended

    def end(self, code: int, reason: str) -> None:
        if self._has_ended:
            return
        meters.ENDED.labels(str(code)).inc()
        self._close()
        if self._protocol.state is State.CONNECTING:
            self._transport.close()
            return
        self._transport.write(closing(code, reason))
        self._loop.call_later(GRACE_S, self._transport.abort)

    def _close(self) -> None:
        if not self._has_ended and self.admitted is not None:
            meters.CONNECTIONS.labels("websocket").dec()
        self._has_ended = True
        self.live.remove(self)

    def _answer(self) -> None:
        """Write what the protocol has to say by itself, and hang up once both sides have closed."""
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
        if self._protocol.close_expected() or self._protocol.parser_exc is not None:
            self._close()
            self._transport.close()

    def _asked(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        if path != PATH:
            self._reject(HTTPStatus.NOT_FOUND, f"there is nothing at {path[:200]}\n")
            return
        try:
            self.live.demand_room()
        except Unavailable as error:
            self._reject(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")
            return
        self.live.add(self)
        self.live.run(self._begin(request, query))

    def _reject(self, status: HTTPStatus, text: str) -> None:
        meters.REFUSED.labels(str(status.value)).inc()
        self._protocol.send_response(self._protocol.reject(status, text))
        self._answer()
        self._transport.close()

    async def _begin(self, request: Request, query: str) -> None:
        """Let a client in, or tell it why not by a code: browsers do not show the status of a handshake."""
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        response = self._protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._protocol.send_response(response)
            self._answer()
            self._transport.close()
            return
        try:
            want = want_of(parse_qsl(query, keep_blank_values=True))
            admitted = await self.live.admission.admit(headers, want)
            if self._has_ended:
                return
            self._open(response)
            self.admitted = admitted
            meters.OPENED.labels("websocket").inc()
            meters.CONNECTIONS.labels("websocket").inc()
            await self.live.follow(self, admitted, want, want.last_id or headers.get("last-event-id", ""))
        except (PulseError, InvalidState) as error:
            self._refuse(response, error)
        except Exception:
            log.exception("a connection failed unforeseen")
            self._refuse(response, PulseError("this is a fault of Pulse"))

    def _open(self, response: Any) -> None:
        if self._protocol.state is State.CONNECTING:
            self._protocol.send_response(response)
            self._answer()

    def _refuse(self, response: Any, error: Exception) -> None:
        code = next((code for kind, code in CODES.items() if isinstance(error, kind)), FAULT)
        meters.REFUSED.labels(str(code)).inc()
        if not self._has_ended:
            self._open(response)
            self.end(code, str(error))


def sockets(live: Live) -> type[asyncio.Protocol]:
    """The class of the WebSockets of a live view, as uvicorn takes it."""
    return type("LiveSocket", (Socket,), {"live": live, "__slots__": ()})
