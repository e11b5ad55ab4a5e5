"""The query API as an app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import documentation, problems
from api.query import fate, funnel, health, keys, query, recent, reports, retention, sites, stats
from api.query.measure import Measure
from api.query.parts import Parts, assemble
from pulse import VERSION
from pulse.settings import Settings

DESCRIPTION = """Questions about the events that were sent, and the sites and keys of an organisation.

Every route takes a key: `Authorization: Bearer …` or `X-API-Key: …`. Whose data is seen follows from the key alone.
Errors are `application/problem+json`. Lists come in pages: `limit`, `cursor`, `next_cursor`.
"""


def create_app(settings: Settings) -> FastAPI:
    """The app; nothing is reached before the first request. Raises SettingError if there is no secret."""
    return app_of(assemble(settings))


def app_of(parts: Parts) -> FastAPI:
    """The app over given parts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.publisher.start()
        parts.publisher.announce_all()
        yield
        await parts.close()

    app = documentation.documented_app(
        title="Pulse query API", version=VERSION, description=DESCRIPTION, lifespan=lifespan
    )
    app.state.parts = parts
    app.add_middleware(Measure)
    app.include_router(health.router)
    for part in (stats, query, reports, funnel, retention, recent, fate, sites):
        app.include_router(part.router, prefix="/api/v1")
    for prefix in ("/api/v1/keys", "/api/v1/settings/keys"):
        app.include_router(keys.router, prefix=prefix)
    problems.install(app)
    return app
