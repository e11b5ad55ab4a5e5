"""/api/v1/people: who is behind the visitors of a site, by what events said, and the undoing of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.control.corrections import Correction, Wanted
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Administrator, Reader
from api.query.asking import asked as answered
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.sites import found_site
from api.query.word import Reference, WithoutNul
from clickhouse import claims
from clickhouse.claims import State
from pulse.errors import NotFound
from pulse.event import MAX_MS

MOST_CLAIMS = 1_000

router = APIRouter(prefix="/people", tags=["people"], responses=documented(400, 401, 403, 404, 503))

Id = Annotated[str, StringConstraints(min_length=1, max_length=200), WithoutNul]
OfSite = Annotated[Reference | None, Query(description="The site; may be left out where the key is bound to one.")]


class Link(BaseModel):
    """That a person is behind a visitor, as an event said first."""

    visitor_id: str
    user_id: str
    since: int = Field(description="When the event happened, ms since the epoch.")
    event: str = Field(description="`identify` or `alias`.")
    event_id: str
    state: State = Field(
        description="`linked`: who is behind the visitor; `later`: named after that; `unlinked`: does not count."
    )


class Links(BaseModel):
    """What events said, by visitor, the first first."""

    data: list[Link]


class Change(BaseModel):
    """Which link, and why it is changed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"visitor_id": "v-81", "user_id": "ada", "reason": "a borrowed phone"}},
    )

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    visitor_id: Id = Field(description="The browser or device.")
    user_id: Id | None = Field(None, description="The person; whoever is named, now and later, if missing.")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), WithoutNul] = (
        Field(description="Why, for those who read it later.")
    )


class CorrectionTold(BaseModel):
    """What was decided, when, by whom and why."""

    id: str = Field(examples=["correction_0f3a5b7c9d1e2f40"])
    site_id: str
    visitor_id: str
    user_id: str | None = Field(description="The person; null for whoever is named.")
    action: str = Field(description="`unlink` or `restore`.")
    reason: str
    key_id: str = Field(description="The key by which it was done.")
    at: int = Field(description="When, ms since the epoch.")


@router.get("/links", summary="Who is behind which visitors", responses=documented(504))
async def list_links(
    request: Request,
    key: Reader,
    parts: With,
    site_id: OfSite = None,
    visitor_id: Annotated[Id | None, Query(description="Who was named for this visitor.")] = None,
    user_id: Annotated[Id | None, Query(description="The visitors for which this person was named.")] = None,
) -> Links:
    """Of one visitor, or of the visitors of a person: who was named, by which event first, and whether it counts."""
    if (visitor_id is None) == (user_id is None):
        raise BadParameter("visitor_id", "name either a visitor or a person")
    site = await found_site(parts, key, site_id)
    found = await answered(
        request,
        parts,
        lambda client: claims.claims(client, site.id, visitor_id or "", user_id or "", MOST_CLAIMS),
    )
    return Links(data=[Link(**each._asdict()) for each in found])


@router.post("/unlink", summary="Undo an identification", responses=documented(409))
async def unlink(key: Administrator, parts: With, change: Change) -> CorrectionTold:
    """Events that name the person no longer count for the visitor, and the next who was named does. Reports follow within ten seconds."""
    return await _corrected(key, parts, change, unlinked=True)


@router.post("/restore", summary="Take an undoing back", responses=documented(409))
async def restore(key: Administrator, parts: With, change: Change) -> CorrectionTold:
    """As if it had not been unlinked, for the same visitor and the same person."""
    return await _corrected(key, parts, change, unlinked=False)


@router.get("/corrections", summary="What was unlinked and restored")
async def list_corrections(
    key: Administrator, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[CorrectionTold]:
    """The latest first: by whom and why."""
    last = last_of(decode(cursor))
    site = await found_site(parts, key, site_id)
    found = await parts.stored(lambda store: store.corrections.list(site.id, limit + 1, last))
    return page_of([told(each) for each in found], limit, lambda each: str(each.at))


def told(made: Correction) -> CorrectionTold:
    """A correction as it is answered."""
    return CorrectionTold(
        id=made.id,
        site_id=made.site,
        visitor_id=made.visitor,
        user_id=made.person or None,
        action="unlink" if made.unlinked else "restore",
        reason=made.reason,
        key_id=made.key,
        at=made.at,
    )


async def _corrected(key: Key, parts: Parts, change: Change, unlinked: bool) -> CorrectionTold:
    """Noted first, so that nothing counts that nobody answers for; asked again after a failure, it is done again."""
    site, person = await found_site(parts, key, change.site_id), change.user_id or ""
    await _demand_named(parts, site.id, change.visitor_id, person)
    wanted = Wanted(site.id, change.visitor_id, person, unlinked, change.reason, key.id)
    made = await parts.stored(lambda store: store.corrections.add(wanted, now_ms()))
    await parts.put(lambda client: claims.correct(client, site.id, made.visitor, person, unlinked, made.at))
    return told(made)


async def _demand_named(parts: Parts, site_id: str, visitor_id: str, person: str) -> None:
    found = await parts.put(lambda client: claims.claims(client, site_id, visitor_id, "", MOST_CLAIMS))
    if not any(person in ("", each.user_id) for each in found):
        who = f"the person {person!r}" if person else "a person"
        raise NotFound(f"no event named {who} for the visitor {visitor_id!r}")


def last_of(text: str) -> int:
    """The moment before which a page of lines begins, from its place; raises BadParameter."""
    if not text:
        return MAX_MS
    if not text.isdecimal() or len(text) > 15:
        raise BadParameter("cursor", "is not one that a page gave")
    return int(text)
