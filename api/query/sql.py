"""POST /api/v1/sql: an analyst's own SQL about one site, the answer streamed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from logging import getLogger
from typing import Annotated, Any, Literal

from anyio import CancelScope
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.allowed import SQL
from api.keyring import Key
from api.problems import documented
from api.query.access import needing
from api.query.parts import Parts, With
from api.query.sites import found_site
from api.query.sqlvalue import Value, written
from api.query.word import Reference
from clickhouse.analyst import Answer
from pulse.errors import PulseError, Unavailable

Form = Literal["csv", "json", "ndjson", "parquet", "arrow"]

FORMATS: dict[Form, str] = {
    "csv": "CSVWithNames",
    "json": "JSON",
    "ndjson": "JSONEachRow",
    "parquet": "Parquet",
    "arrow": "ArrowStream",
}
TYPES = {
    "CSVWithNames": "text/csv; charset=utf-8; header=present",
    "JSON": "application/json",
    "JSONEachRow": "application/x-ndjson",
    "Parquet": "application/vnd.apache.parquet",
    "ArrowStream": "application/vnd.apache.arrow.stream",
}
OTHER = "application/octet-stream"
LONGEST = 100_000
WAIT_S = 10.0
"""How long a statement waits for its turn."""
MARGIN_S = 5
"""An answer that is not fetched so long after ClickHouse must have ended it gives up its turn."""

log = getLogger(__name__)
router = APIRouter(tags=["sql"], responses=documented(400, 401, 403, 404, 503, 504))

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Analyst = Annotated[Key, Depends(needing(SQL))]


class SqlBody(BaseModel):
    """A statement."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "query": "SELECT path, count() AS views FROM events WHERE ts >= now() - INTERVAL 7 DAY AND country = {country:String} GROUP BY path ORDER BY views DESC LIMIT 10",
                "parameters": {"country": "AT"},
                "format": "json",
            }
        },
    )

    query: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] = Field(
        description="One statement that reads, in ClickHouse's SQL, about the views of `analytics`: docs/sql.md."
    )
    parameters: dict[Name, Value] = Field(
        {},
        max_length=100,
        description="Values of the statement's `{name:Type}`: texts, numbers, booleans, null, lists.",
    )
    format: Form = Field("json", description="Of the answer; a FORMAT in the statement itself comes first.")
    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")


CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, streamed. An answer that fails on its way breaks off: its connection is closed before its end.",
        "content": {name.partition(";")[0]: {} for name in TYPES.values()},
    }
}


@router.post("/sql", summary="Your own SQL", responses=CONTENT, response_class=Response)
async def sql(request: Request, key: Analyst, parts: With, body: SqlBody) -> Response:
    """Takes a key with `sql:read`. ClickHouse itself lets the statement see the rows of one site alone, and write nothing.

    A statement may take PULSE_QUERY_SECONDS, PULSE_QUERY_MB and PULSE_QUERY_ROWS, the fetching of its answer included; beyond
    that it is answered 504. One that ClickHouse refuses is answered 400 in ClickHouse's words. If the client goes away it ends.
    """
    site = (await found_site(parts, key, body.site_id)).id
    values = {name: written(value) for name, value in body.parameters.items()}
    await _turn(parts, request)
    try:
        asking = asyncio.create_task(parts.analyst.ask(site, body.query, values, FORMATS[body.format]))
        answer = await _unless_gone(request, asking)
        first = await anext(answer.pieces, b"")
    except BaseException:
        parts.sql_turns.release_on_behalf_of(request)
        raise
    at_end = partial(parts.sql_turns.release_on_behalf_of, request)
    return Streamed(answer, first, at_end, parts.limits.seconds + MARGIN_S)


async def _turn(parts: Parts, request: Request) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            await parts.sql_turns.acquire_on_behalf_of(request)
    except TimeoutError:
        raise Unavailable("too many statements are asked at this moment; try again") from None


async def _unless_gone(request: Request, asking: "asyncio.Task[Answer]") -> Answer:
    """What is asked, ended if the client goes away meanwhile."""
    leaving = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise Unavailable("the statement was ended, as nobody waits for its answer")
        return asking.result()
    finally:
        leaving.cancel()
        asking.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class BrokenOff(RuntimeError):
    """An answer ends before its end, and must not be taken for whole."""


class Streamed(StreamingResponse):
    """An answer whose first bytes are there already; what fails until then is still told by its status."""

    def __init__(self, answer: Answer, first: bytes, at_end: Callable[[], None], seconds: float) -> None:
        super().__init__(_content(first, answer.pieces), media_type=TYPES.get(answer.format, OTHER))
        self._pieces = answer.pieces
        self._at_end = at_end
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; however that ends, the question ends too. One that breaks off is left without its end: the server closes the connection."""
        try:
            async with asyncio.timeout(self._seconds):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            log.warning("an answer was not fetched within %.0f s", self._seconds)
        except BrokenOff as error:
            log.warning("an answer breaks off: %s", error)
        finally:
            self._at_end()
            with CancelScope(shield=True):
                await self._pieces.aclose()


async def _content(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for piece in pieces:
            yield piece
    except PulseError as error:
        raise BrokenOff(str(error)) from None
