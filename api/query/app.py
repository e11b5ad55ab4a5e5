"""The query API as an app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import documentation, problems
from api.bounded import Bounded
from api.query import (
    alerts,
    annotations,
    attribution,
    cohorts,
    deliveries,
    devices,
    fate,
    faults,
    funnel,
    funnels,
    health,
    identity,
    imports,
    journeys,
    keys,
    leadcounts,
    leads,
    lifecycle,
    people,
    performance,
    queries,
    query,
    recent,
    reports,
    retention,
    risk,
    sites,
    sql,
    stats,
    stickiness,
    webhooks,
)
from api.query.adapted import dashboard, website
from api.query.adapted import retention as weekly
from api.query.graphql import route as graphql
from api.query.measure import Measure
from api.query.parts import Parts, assemble
from api.query.recordings import route as recordings
from api.query.repeated import Repeated
from pulse import VERSION
from pulse.settings import Settings

DESCRIPTION = """Questions about the events that were sent, and the sites, keys, cohorts, alert rules, webhooks and leads of an organisation.

Every route takes a key: `Authorization: Bearer …` or `X-API-Key: …`. Whose data is seen follows from the key alone.
Errors are `application/problem+json`; a body of more than 16 MB is answered 413. Lists come in pages: `limit`, `cursor`, `next_cursor`.
"""


PARTS = (
    stats,
    query,
    reports,
    risk,
    devices,
    funnel,
    funnels,
    retention,
    lifecycle,
    stickiness,
    journeys,
    attribution,
    performance,
    faults,
    queries,
    annotations,
    cohorts,
    people,
    identity,
    recent,
    fate,
    sites,
    alerts,
    imports,
    sql,
)
"""What lies under /api/v1, in the order in which it is described."""


def create_app(settings: Settings) -> FastAPI:
    """The app; nothing is reached before the first request. Raises SettingError if there is no secret."""
    return app_of(assemble(settings))


def app_of(parts: Parts) -> FastAPI:
    """The app over given parts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.publisher.start()
        parts.publisher.announce_all()
        if parts.funnels is not None:
            parts.funnels.wake()
        if parts.nightly is not None:
            parts.nightly.start()
        yield
        await parts.close()

    app = documentation.documented_app(
        title="Pulse query API", version=VERSION, description=DESCRIPTION, lifespan=lifespan
    )
    app.state.parts = parts
    app.add_middleware(Repeated, parts.memory, parts.keyring, parts.people, parts.answers)
    app.add_middleware(Bounded)
    app.add_middleware(Measure)
    app.include_router(health.router)
    for part in PARTS:
        app.include_router(part.router, prefix="/api/v1")
    for prefix in ("/api/v1/keys", "/api/v1/settings/keys"):
        app.include_router(keys.router, prefix=prefix)
    for part in (webhooks, deliveries):
        app.include_router(part.router, prefix="/api/v1/webhooks")
    for prefix in ("/api/v1/leads", "/analytics/leads"):
        app.include_router(leadcounts.router, prefix=prefix)
        app.include_router(leads.router, prefix=prefix)
    app.include_router(weekly.router, prefix="/api/v1/analytics")
    app.include_router(dashboard.router, prefix="/analytics")
    app.include_router(website.router)
    app.include_router(graphql.router)
    app.include_router(recordings.router)
    problems.install(app)
    return app
