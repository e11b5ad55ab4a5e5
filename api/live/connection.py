"""The connection of an event stream, which must be cut where a client takes nothing any more: an answer waits for it for ever."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_current: ContextVar[asyncio.Transport | None] = ContextVar("connection", default=None)


class Http(HttpToolsProtocol):
    """HTTP as uvicorn speaks it; each request knows its connection."""

    def data_received(self, data: bytes) -> None:
        """Requests are answered by tasks that are made in here."""
        _current.set(self.transport)
        super().data_received(data)


def cutting() -> Callable[[], None]:
    """What cuts the connection of the request that is being answered."""
    transport = _current.get()
    return transport.abort if transport is not None else lambda: None
