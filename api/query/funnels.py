"""/api/v1/funnels: funnels that are saved, and answered from rows of their own."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.allowed import own_site
from api.control.model import SavedFunnel
from api.keyring import Key
from api.problems import documented
from api.query.access import Administrator, Reader
from api.query.cohortform import ids_in
from api.query.funnel import FunnelForm, FunnelResponse, told_funnel
from api.query.funnelform import FieldName, StepsForm, steps_of
from api.query.keeper import kept_of
from api.query.kept import kept
from api.query.membership import cohorts_of
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.params import Ranged
from api.query.parts import Parts, With, now_ms
from api.query.scoped import scope_of
from api.query.sites import found_site
from api.query.word import Name, Reference
from clickhouse.funnels import build
from clickhouse.reports.filter import Parameters
from clickhouse.reports.funnel import Count, demand
from clickhouse.reports.funnel_attempts import fits
from pulse.errors import NotFound

router = APIRouter(prefix="/funnels", tags=["funnels"], responses=documented(400, 401, 403, 404, 503))

State = Literal["ready", "building", "events"]
OfSite = Annotated[Reference | None, Query(description="Only this site's funnels.")]


class NewFunnel(StepsForm):
    """A funnel that is to be saved."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "To the first purchase",
                "steps": [{"event": "page_view"}, {"event": "signup"}, {"event": "purchase"}],
                "window": "14d",
            }
        },
    )

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    name: Name


class FunnelChange(StepsForm):
    """A saved funnel as it is to be: what is not named is as if it was new."""

    name: Name


class FunnelTold(BaseModel):
    """A saved funnel."""

    id: str = Field(examples=["funnel_0f3a5b7c9d1e2f40"])
    site_id: str
    name: str
    definition: dict[str, Any] = Field(description="Its steps and how they are counted.")
    rows: State = Field(
        description="`ready`: rows of its own answer; `building`: they are being made; `events`: it can have none."
    )
    created: int = Field(description="When it was saved, ms since the epoch.")
    changed: int = Field(description="When it was changed last, ms since the epoch.")


class ReportParams(Ranged):
    """Of what time a saved funnel is asked, and otherwise than it was saved."""

    count: Count | None = Field(None, description="Whom to count.")
    breakdown: FieldName | None = Field(None, description="A field by whose value attempts are told apart.")
    granularity: Literal["day", "week"] | None = Field(None, description="Also by the day or week of entry.")


AskedReport = Annotated[ReportParams, Query()]


@router.get("", summary="The saved funnels")
async def list_funnels(
    key: Reader, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[FunnelTold]:
    """By id."""
    after = decode(cursor)
    only = key.site_id if site_id is None else own_site(key, site_id)
    found = await parts.stored(lambda store: store.funnels.list(key.organisation, only, limit + 1, after))
    ready = await _ready(parts)
    return page_of([told(each, ready, parts) for each in found], limit, lambda each: each.id)


@router.post("", status_code=201, summary="Save a funnel")
async def create_funnel(key: Administrator, parts: With, wanted: NewFunnel) -> FunnelTold:
    """Rows of its own are made of all that is stored, and written with whatever comes; until they are there, the events answer.

    None are kept where all events matter (`strict`, sessions), or where a step asks for a cohort.
    """
    site = await found_site(parts, key, wanted.site_id)
    definition = _definition(wanted)
    await _demand_possible(parts, key, site.id, definition)
    values = {"name": wanted.name, "definition": definition}
    made = await parts.stored(lambda store: store.funnels.create(key.organisation, site.id, values, now_ms()))
    return await _kept(parts, made)


@router.get("/{funnel_id}", summary="A saved funnel")
async def get_funnel(key: Reader, parts: With, funnel_id: Reference) -> FunnelTold:
    """One of another organisation or site answers as one that does not exist."""
    return told(await _found(key, parts, funnel_id), await _ready(parts), parts)


@router.put("/{funnel_id}", summary="Change a saved funnel", responses=documented(409))
async def change_funnel(key: Administrator, parts: With, funnel_id: Reference, wanted: FunnelChange) -> FunnelTold:
    """Its rows are made anew where its steps are others."""
    record = await _found(key, parts, funnel_id)
    definition = _definition(wanted)
    await _demand_possible(parts, key, record.site, definition)
    values = {"name": wanted.name, "definition": definition}
    changed = await parts.stored(
        lambda store: store.funnels.change(key.organisation, key.site_id, funnel_id, values, now_ms())
    )
    await parts.answers.changed(changed.site)
    return await _kept(parts, changed)


@router.delete("/{funnel_id}", status_code=204, summary="Forget a saved funnel", responses=documented(409))
async def remove_funnel(key: Administrator, parts: With, funnel_id: Reference) -> Response:
    """Its rows go too."""
    gone = await parts.stored(lambda store: store.funnels.remove(key.organisation, key.site_id, funnel_id))
    await parts.answers.changed(gone.site)
    _wake(parts)
    return Response(status_code=204)


@router.get(
    "/{funnel_id}/report", summary="What a saved funnel tells", responses=documented(504), response_model=FunnelResponse
)
async def report_funnel(request: Request, key: Reader, parts: With, funnel_id: Reference, asked: AskedReport) -> Any:
    """The same as `POST /api/v1/funnels/query` with its steps. `meta.source` says whether rows of its own were read."""
    record = await _found(key, parts, funnel_id)
    if asked.site_id not in (None, record.site):
        raise NotFound(f"there is no funnel {funnel_id!r} of the site {asked.site_id!r}")
    asked = asked.model_copy(update={"site_id": record.site})
    return await _reported(request=request, key=key, parts=parts, asked=asked, record=record)


@kept()
async def _reported(
    request: Request, key: Key, parts: Parts, asked: ReportParams, record: SavedFunnel
) -> FunnelResponse:
    scoped = asked.scoped()
    others = {"count": asked.count, "breakdown": asked.breakdown, "granularity": asked.granularity}
    form = FunnelForm.model_validate(
        record.definition | {name: value for name, value in others.items() if value is not None}
    ).model_copy(update=dict(scoped))
    return await told_funnel(request, parts, form, await scope_of(form, key, parts))


def told(record: SavedFunnel, ready: dict[str, str], parts: Parts) -> FunnelTold:
    """A saved funnel as it is answered."""
    state: State = "events"
    if parts.funnels is not None and (wanted := kept_of(record)) is not None:
        state = "ready" if ready.get(record.id) == wanted.print else "building"
    return FunnelTold(
        id=record.id,
        site_id=record.site,
        name=record.name,
        definition=record.definition,
        rows=state,
        created=record.created,
        changed=record.changed,
    )


async def _ready(parts: Parts) -> dict[str, str]:
    """Of which funnels rows are there, and of which steps; none where nothing can be heard of them."""
    if parts.funnels is None:
        return {}
    return await parts.put(
        lambda client: {each.id: each.print for each in build.every(client) if each.state == "ready"}
    )


async def _kept(parts: Parts, record: SavedFunnel) -> FunnelTold:
    _wake(parts)
    return told(record, {}, parts)


def _wake(parts: Parts) -> None:
    if parts.funnels is not None:
        parts.funnels.wake()


async def _found(key: Key, parts: Parts, funnel_id: str) -> SavedFunnel:
    return await parts.stored(lambda store: store.funnels.get(key.organisation, key.site_id, funnel_id))


def _definition(form: StepsForm) -> dict[str, Any]:
    return form.model_dump(by_alias=True, include=set(StepsForm.model_fields), exclude_unset=True)


async def _demand_possible(parts: Parts, key: Key, site_id: str, definition: dict[str, Any]) -> None:
    """Raise QueryError or BadParameter for steps that could not be asked."""
    site = await found_site(parts, key, site_id)
    cohorts = await cohorts_of(parts, site, ids_in(definition), now_ms())
    asked = steps_of(StepsForm.model_validate(definition), site_id)
    demand(asked)
    fits(asked, Parameters(cohorts=cohorts))
    wanted = kept_of(SavedFunnel(id="", site=site_id, definition=definition))
    if wanted is not None:
        await parts.put(lambda client: build.check(client, wanted))
