"""/replay: what sessions did, moment by moment, for those who may read a site's statistics."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import StringConstraints

from api.problems import documented
from api.query.access import Reader
from api.query.parts import Parts, With
from api.query.recordings import page
from api.query.recordings.form import (
    AskedSession,
    AskedSessions,
    SessionEvents,
    SessionPage,
    event_told,
    next_offset,
    session_told,
)
from api.query.sites import found_site
from api.query.word import WithoutNul
from pulse.errors import NotFound
from pulse.recordings.reading import sessions, whole
from pulse.recordings.store import Objects

Got = TypeVar("Got")

READ_S = 20.0
"""For how long one answer may be read, the wait for its turn included."""

router = APIRouter(tags=["recordings"])
router.include_router(page.router)

SessionId = Annotated[str, StringConstraints(min_length=1, max_length=200), WithoutNul]


@router.get(
    "/replay/sessions", summary="The recorded sessions of a site", responses=documented(400, 401, 403, 404, 503, 504)
)
async def list_sessions(key: Reader, parts: With, asked: Annotated[AskedSessions, Query()]) -> SessionPage:
    """Those that began last first. A session is listed some half a minute after its first event."""
    site = await found_site(parts, key, asked.site_id)
    offset, limit = asked.offset, asked.limit
    found = await _reading(
        parts, lambda objects: sessions(objects, site.id, asked.visitor_id, offset, limit + 1, asked.before)
    )
    told = [session_told(each) for each in found[:limit]]
    return SessionPage(
        data=told, limit=limit, offset=offset, next_offset=next_offset(offset, limit, len(found) > limit)
    )


@router.get(
    "/replay/sessions/{session_id:path}",
    summary="What a session did, in the order of its time",
    responses=documented(400, 401, 403, 404, 503, 504),
)
async def play_session(
    key: Reader, parts: With, session_id: SessionId, asked: Annotated[AskedSession, Query()]
) -> SessionEvents:
    """As a whole, also where it went on over midnight; each event once."""
    site = await found_site(parts, key, asked.site_id)
    events, truncated = await _reading(parts, lambda objects: whole(objects, site.id, session_id))
    end = asked.offset + asked.limit
    return SessionEvents(
        site_id=site.id,
        session_id=session_id,
        started_at=events[0].ts,
        ended_at=events[-1].ts,
        total=len(events),
        truncated=truncated,
        data=[event_told(each) for each in events[asked.offset : end]],
        limit=asked.limit,
        offset=asked.offset,
        next_offset=next_offset(asked.offset, asked.limit, len(events) > end),
    )


async def _reading(parts: Parts, read: Callable[[Objects], Got]) -> Got:
    if parts.recordings is None:
        raise NotFound("no sessions are recorded here: PULSE_RECORDINGS_URL says where they would be kept")
    objects = parts.recordings.within(READ_S)
    return await to_thread.run_sync(lambda: read(objects), limiter=parts.recording_turns)
