"""/api/v1/errors/{fingerprint}/…: what is said of a fault of pages, that it is resolved or open again, and by whom."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.control.resolutions import Resolution, Said
from api.keyring import Key
from api.problems import documented
from api.query.access import Administrator
from api.query.asking import asked as answered
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.people import last_of
from api.query.sites import found_site
from api.query.word import Reference, WithoutNul
from clickhouse.reports import errors
from clickhouse.reports.errors import Resolved
from pulse.errors import NotFound

router = APIRouter(prefix="/errors", tags=["errors"], responses=documented(400, 401, 403, 404, 503))

Fingerprint = Annotated[
    str, Path(pattern="^[0-9a-f]{16}$", description="The fault, as `POST /api/v1/errors/query` tells it.")
]
OfSite = Annotated[Reference | None, Query(description="The site; may be left out where the key is bound to one.")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000), WithoutNul]


class Reopening(BaseModel):
    """Why a fault is open again."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    reason: Reason = Field("", description="Why, for those who read it later.")


class Resolving(Reopening):
    """In which release a fault is resolved, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"release": "2.4.1", "reason": "a null check"}}
    )

    release: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), WithoutNul] = Field(
        "",
        description="The first release without it, such as `2.4.1`: errors whose property `release` is an older one do not count"
        " as its return.",
    )


class ResolutionTold(BaseModel):
    """What was said of a fault, when and by whom."""

    id: str = Field(examples=["resolution_0f3a5b7c9d1e2f40"])
    site_id: str
    fingerprint: str = Field(examples=["efbc104d31082848"])
    action: str = Field(description="`resolve` or `reopen`.")
    release: str | None
    reason: str
    key_id: str = Field(description="The key by which it was done.")
    at: int = Field(description="When, ms since the epoch.")


@router.post("/{fingerprint}/resolve", summary="Say that a fault is resolved", responses=documented(409, 504))
async def resolve(
    request: Request, key: Administrator, parts: With, fingerprint: Fingerprint, wanted: Resolving
) -> ResolutionTold:
    """Seen after this moment, in no older release, it has regressed."""
    return await _said(request, key, parts, fingerprint, wanted, wanted.release, resolved=True)


@router.post("/{fingerprint}/reopen", summary="Say that a fault is open again", responses=documented(409, 504))
async def reopen(
    request: Request, key: Administrator, parts: With, fingerprint: Fingerprint, wanted: Reopening
) -> ResolutionTold:
    """As if it had never been resolved."""
    return await _said(request, key, parts, fingerprint, wanted, "", resolved=False)


@router.get("/resolutions", summary="What was said of faults")
async def list_resolutions(
    key: Administrator, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[ResolutionTold]:
    """The latest first: by whom and why."""
    last = last_of(decode(cursor))
    site = await found_site(parts, key, site_id)
    found = await parts.stored(lambda store: store.resolutions.list(site.id, limit + 1, last))
    return page_of([told(each) for each in found], limit, lambda each: str(each.at))


def told(made: Resolution) -> ResolutionTold:
    """What was said, as it is answered."""
    return ResolutionTold(
        id=made.id,
        site_id=made.site,
        fingerprint=made.fingerprint,
        action="resolve" if made.resolved else "reopen",
        release=made.release or None,
        reason=made.reason,
        key_id=made.key,
        at=made.at,
    )


async def resolved_of(parts: Parts, site_id: str) -> dict[str, Resolved]:
    """The faults of a site that are said to be resolved."""
    found = await parts.stored(lambda store: store.resolutions.resolved(site_id))
    return {each.fingerprint: Resolved(each.at, each.release) for each in found}


async def _said(
    request: Request, key: Key, parts: Parts, fingerprint: str, wanted: Reopening, release: str, resolved: bool
) -> ResolutionTold:
    site = await found_site(parts, key, wanted.site_id)
    if not await answered(request, parts, lambda client: errors.is_known(client, site.id, fingerprint)):
        raise NotFound(f"the site {site.id!r} has no fault {fingerprint}")
    said = Said(site.id, fingerprint, resolved, release, wanted.reason, key.id)
    made = await parts.stored(lambda store: store.resolutions.add(said, now_ms()))
    await parts.answers.changed(site.id)
    return told(made)
