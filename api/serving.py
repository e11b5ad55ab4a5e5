"""Running an app: one process, one loop, until SIGTERM or SIGINT."""

import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

KEEP_ALIVE_S = 65
"""Longer than load balancers keep idle connections, so that it is never Pulse that hangs up first."""
BACKLOG = 4096


def serve(
    app: Any,
    host: str,
    port: int,
    finish_s: int,
    *,
    http: Any = "httptools",
    ws: Any = "none",
    leaving: Callable[[], None] | None = None,
) -> None:
    """Serve an ASGI app until told to stop; then finish what is in flight, within `finish_s`, and return.

    `http` and `ws` are the classes of connections and of WebSockets, `leaving` is called first when it stops: it ends what would not end by itself.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=http,
        ws=ws,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=finish_s,
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped; a clean stop ends with 0.
        signal.signal(stop, lambda *_: None)
    _Server(config, leaving).run()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, leaving: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._leaving is not None:
            self._leaving()
        await super().shutdown(sockets)
