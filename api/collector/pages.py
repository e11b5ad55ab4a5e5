"""All of the collector that takes no events: documentation, scripts, health and metrics, as a FastAPI app."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from api import documentation, problems
from api.collector import scripts
from api.collector.openapi import described
from api.collector.tally import Tally
from pulse import VERSION


class Readiness(NamedTuple):
    """Whether events are taken; what the collector needs, each with ``"ok"`` or what is wrong with it."""

    is_ready: bool
    checks: dict[str, str]

    @property
    def status(self) -> str:
        """In a word: degraded is what takes events though something is wrong."""
        if not self.is_ready:
            return "unavailable"
        return "ok" if all(state == "ok" for state in self.checks.values()) else "degraded"


Checks = Callable[[], Awaitable[Readiness]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_pages(checks: Checks, tally: Tally, lifespan: Lifespan) -> FastAPI:
    """The app of all other routes; `lifespan` frames the life of the whole process."""
    app = documentation.documented_app(title="Pulse collector", version=VERSION, lifespan=lifespan)

    @app.get("/health", summary="Whether the process is alive", tags=["health"])
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/health/ready", summary="Whether events can be taken, and what is down", tags=["health"])
    async def ready() -> JSONResponse:
        found = await checks()
        return JSONResponse({"status": found.status, "checks": found.checks}, 200 if found.is_ready else 503)

    @app.get("/metrics", summary="Prometheus metrics", tags=["health"])
    async def metrics() -> Response:
        return Response(generate_latest(REGISTRY) + generate_latest(tally.registry), media_type=CONTENT_TYPE_LATEST)

    app.include_router(scripts.router())
    problems.install(app)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        app.openapi_schema = app.openapi_schema or described(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
