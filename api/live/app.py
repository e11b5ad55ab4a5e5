"""The live view as an app: the stream, tickets, health. WebSockets are uvicorn's and `api.live.socket`'s."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import documentation, problems
from api.bounded import Bounded
from api.live import health, routes
from api.live.live import Live
from pulse import VERSION

DESCRIPTION = """What happens now, as it happens: events, counters each second, the running minute every ten seconds, alerts.

`GET /api/v1/live` is a WebSocket where the request asks to upgrade, and `text/event-stream` otherwise; both take the same
parameters and bring the same messages. Every route takes a key: `Authorization: Bearer …` or `X-API-Key: …`; who cannot set
headers takes a ticket. Errors are `application/problem+json`.
"""
GC_THRESHOLDS = (50_000, 50, 100)
"""Connections make few cycles; collecting often only costs."""


def app_of(live: Live) -> FastAPI:
    """The app over a live view."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        live.begin()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        yield
        await live.close()

    app = documentation.documented_app(
        title="Pulse live view", version=VERSION, description=DESCRIPTION, lifespan=lifespan
    )
    app.state.live = live
    # The key guards, not these: no cookie is ever asked for. A key that is bound to origins is judged by its own.
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=".*",
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "x-api-key", "last-event-id", "content-type"],
        expose_headers=["retry-after"],
        max_age=86_400,
    )
    app.add_middleware(Bounded)
    app.include_router(health.router)
    app.include_router(routes.router, prefix="/api/v1")
    problems.install(app)
    return app
