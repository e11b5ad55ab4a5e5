"""/api/v1/queries: questions that are saved, each under an address that answers it."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.allowed import own_site
from api.control.model import SavedQuery
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query import (
    attribution,
    funnel,
    journeys,
    lifecycle,
    performance,
    query,
    reports,
    retention,
    stats,
    stickiness,
)
from api.query.access import Administrator, Reader
from api.query.inner import asked_within
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.sites import found_site
from api.query.word import Name, Reference

PREFIX = "/api/v1"
MOST_BYTES = 50_000

router = APIRouter(prefix="/queries", tags=["saved queries"], responses=documented(400, 401, 403, 404, 503))


def _methods() -> dict[str, str]:
    """The reports that can be saved, and by which method each is asked."""
    asked = (stats, query, reports, funnel, retention, lifecycle, stickiness, journeys, attribution, performance)
    return {PREFIX + each.path: min(each.methods) for part in asked for each in part.router.routes}


METHODS = _methods()


def _known(route: str) -> str:
    if route not in METHODS:
        raise ValueError(f"is no report; reports are {', '.join(METHODS)}")
    return route


def _small(question: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(question))
    except TypeError as error:
        raise ValueError(f"cannot be kept as JSON: {error}") from None
    if size > MOST_BYTES:
        raise ValueError(f"must not take more than {MOST_BYTES:,} bytes as JSON")
    return question


Route = Annotated[str, StringConstraints(max_length=200), AfterValidator(_known)]
Asked = Annotated[dict[str, Any], AfterValidator(_small)]
OfSite = Annotated[Reference | None, Query(description="Only this site's queries.")]
EXAMPLE = {"period": "30d", "metrics": ["users"], "granularity": "day"}


class NewQuery(BaseModel):
    """A question that is to be saved."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    name: Name
    route: Route = Field("/api/v1/query", description="The report that is asked.")
    question: Asked = Field(description="The report's body, or its parameters; without a site.", examples=[EXAMPLE])


class QueryChange(BaseModel):
    """What is to be another."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    route: Route | None = None
    question: Asked | None = None


class QueryTold(BaseModel):
    """A saved question."""

    id: str = Field(examples=["query_0f3a5b7c9d1e2f40"])
    site_id: str
    name: str
    route: str
    method: Literal["GET", "POST"]
    question: dict[str, Any] = Field(examples=[EXAMPLE])
    result: str = Field(
        description="The address that answers it.", examples=["/api/v1/queries/query_0f3a5b7c9d1e2f40/result"]
    )
    created: int = Field(description="When it was saved, ms since the epoch.")
    changed: int = Field(description="When it was changed last, ms since the epoch.")


@router.get("", summary="The saved queries")
async def list_queries(
    key: Reader, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[QueryTold]:
    """By id."""
    after = decode(cursor)
    only = key.site_id if site_id is None else own_site(key, site_id)
    found = await parts.stored(lambda store: store.queries.list(key.organisation, only, limit + 1, after))
    return page_of([told(each) for each in found], limit, lambda each: each.id)


@router.post("", status_code=201, summary="Save a query", response_model=QueryTold, responses=documented(504))
async def create_query(request: Request, key: Administrator, parts: With, wanted: NewQuery) -> Any:
    """It is asked once before it is saved: what cannot be answered is refused as the report refuses it."""
    site = await found_site(parts, key, wanted.site_id)
    if refused := await _refused(request, site.id, wanted.route, wanted.question):
        return refused
    values = {"name": wanted.name, "route": wanted.route, "question": wanted.question}
    return told(await parts.stored(lambda store: store.queries.create(key.organisation, site.id, values, now_ms())))


@router.get("/{query_id}", summary="A saved query")
async def get_query(key: Reader, parts: With, query_id: Reference) -> QueryTold:
    """One of another organisation or site answers as one that does not exist."""
    return told(await _found(key, parts, query_id))


@router.get("/{query_id}/result", summary="What a saved query brings", responses=documented(504))
async def answer_query(request: Request, key: Reader, parts: With, query_id: Reference) -> Response:
    """What its report answers now to whoever asks; also from kept answers, as X-Cache tells."""
    record = await _found(key, parts, query_id)
    return await _asked(request, record.site, record.route, record.question)


@router.patch("/{query_id}", summary="Change a saved query", response_model=QueryTold, responses=documented(409, 504))
async def change_query(
    request: Request, key: Administrator, parts: With, query_id: Reference, change: QueryChange
) -> Any:
    """Whatever is not named stays as it is."""
    record = await _found(key, parts, query_id)
    values = change.model_dump(exclude_none=True)
    route, question = values.get("route", record.route), values.get("question", record.question)
    if refused := await _refused(request, record.site, route, question):
        return refused
    return told(
        await parts.stored(
            lambda store: store.queries.change(key.organisation, key.site_id, query_id, values, now_ms())
        )
    )


@router.delete("/{query_id}", status_code=204, summary="Forget a saved query", responses=documented(409))
async def remove_query(key: Administrator, parts: With, query_id: Reference) -> Response:
    """Its address answers no longer."""
    await parts.stored(lambda store: store.queries.remove(key.organisation, key.site_id, query_id))
    return Response(status_code=204)


def told(record: SavedQuery) -> QueryTold:
    """A saved query as it is answered."""
    return QueryTold(
        id=record.id,
        site_id=record.site,
        name=record.name,
        route=record.route,
        method="POST" if METHODS.get(record.route) == "POST" else "GET",
        question=record.question,
        result=f"{PREFIX}/queries/{record.id}/result",
        created=record.created,
        changed=record.changed,
    )


async def _refused(request: Request, site: str, route: str, question: dict[str, Any]) -> Response | None:
    if question.get("site_id", site) != site:
        raise BadParameter("question.site_id", f"is another site than {site}, of which the query is saved")
    found = await _asked(request, site, route, question)
    return found if found.status_code >= 400 else None


async def _asked(request: Request, site: str, route: str, question: dict[str, Any]) -> Response:
    return await asked_within(request, METHODS[route], route, {**question, "site_id": site})


async def _found(key: Key, parts: Parts, query_id: str) -> SavedQuery:
    return await parts.stored(lambda store: store.queries.get(key.organisation, key.site_id, query_id))
