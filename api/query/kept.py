"""Reports whose answers are kept: the same question, asked again before anything more is stored, asks nothing of ClickHouse."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from fastapi import Request, Response
from starlette.types import Message

from api.control.model import Site
from api.query.cache import GoneError
from api.query.cohortform import ids_in
from api.query.membership import loaded
from api.query.pace import MOST_MS
from api.query.params import Narrowed
from api.query.parts import Parts
from api.query.sites import found_site
from api.query.span import length
from clickhouse.bounded import Limits
from pulse.errors import Unavailable

USUAL_S = 300
COHORTS_S = 30
"""Time goes by for those who are members by what they did of late."""
LONG_MS = 1_000
"""What nobody waits for takes one thread: that costs less, and leaves room for others; unless it would take too long."""
PART = 60
"""A kept answer is older by at most this part of the time that is asked about, however long nothing more is stored."""

Report = Callable[..., Awaitable[Any]]


def kept(seconds: int = USUAL_S, most_ms: int = MOST_MS) -> Callable[[Report], Report]:
    """A report of one site whose answers are kept for so long at most. The header X-Cache tells what became of it.

    One may lack what was stored in the last `most_ms` at most.

    The report takes `request`, `key`, `parts`, its parameters or body as `asked`, and the `record` of what is saved, if it is
    of that; it gives a model or a response.
    """

    def decorate(report: Report) -> Report:
        @wraps(report)
        async def answered(**given: Any) -> Response:
            request, parts, asked, began = given["request"], given["parts"], given["asked"], time.monotonic()
            site = await found_site(parts, given["key"], asked.site_id)
            record = given.get("record")
            cohorts = await _cohorts(parts, site, asked, record)
            people = (await parts.people.of(site.id)).state.encode()
            state = b"" if record is None else str(record.changed).encode()
            question = b"\0".join((*_words(request, site), cohorts, state, await request.body()))
            keep_s = min(seconds, _fresh_s(asked), COHORTS_S if cohorts else USUAL_S)

            async def make(of: Request = request, limits: Limits = parts.limits) -> bytes:
                within = replace(parts, site=site, limits=limits)
                return await _made(of, report(**{**given, "request": of, "parts": within}))

            async def renew(cost_ms: int) -> bytes:
                threads = 0 if cost_ms > LONG_MS else 1
                return await make(Request(request.scope, _never), replace(parts.limits, threads=threads))

            told = await parts.answers.answer(site.id, question, keep_s, make, people, most_ms, renew)
            if told.given is not None and record is None:
                await parts.memory.note(request, given["key"], site.id, told.given, most_ms, began)
            return Response(told.body, media_type="application/json", headers={"X-Cache": told.found})

        return answered

    return decorate


async def _made(request: Request, made: Awaitable[Any]) -> bytes:
    try:
        answer = await made
    except Unavailable as error:
        raise (GoneError(str(error)) if await request.is_disconnected() else error) from None
    return bytes(answer.body) if isinstance(answer, Response) else answer.model_dump_json().encode()


async def _never() -> Message:
    """What is heard of a client where nobody in particular asks: it never goes away."""
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def _words(request: Request, site: Site) -> tuple[bytes, ...]:
    return request.url.path.encode(), request.url.query.encode(), site.timezone.encode()


async def _cohorts(parts: Parts, site: Site, asked: Any, record: Any) -> bytes:
    """The cohorts that a question names, with those that they stand on, and when each was changed."""
    shown = (asked.scoped() if isinstance(asked, Narrowed) else asked).model_dump()
    named = ids_in([shown, None if record is None else record.definition])
    if not named:
        return b""
    records = await parts.stored(lambda store: loaded(store, site.id, named))
    return " ".join(f"{name}@{records[name].changed}" for name in sorted(records)).encode()


def _fresh_s(asked: Any) -> float:
    """A range that ends now moves on while its answer is kept."""
    return length(asked.period) / 1000 / PART if getattr(asked, "period", None) else USUAL_S
