"""/api/v1/cohorts: who belongs together by what they did, for every filter."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.allowed import own_site
from api.control.cohorts import MOST_OF_A_SITE
from api.control.model import CohortRecord
from api.control.store import Store
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Administrator, Reader
from api.query.asking import asked as answered
from api.query.cohortform import MembersForm, named_in
from api.query.membership import cohort_of, loaded, refusal, standing_on
from api.query.page import USUAL, Cursor, Limit, Page, decode, encode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.sites import found_site
from api.query.word import Name, Reference
from clickhouse.reports import cohort_people
from clickhouse.reports.cohort import Cohort, Kind
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import PERSON
from pulse.errors import Conflict

MOST_AT_ONCE = 10_000

router = APIRouter(prefix="/cohorts", tags=["cohorts"], responses=documented(400, 401, 403, 404, 503))

EXAMPLE: dict[str, Any] = {
    "and": [
        {"did": {"event": "purchase"}, "at_least": 2, "within": "30d"},
        {"not": {"did": {"event": "refund"}}},
    ]
}

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Ids = Annotated[list[Id], Field(max_length=MOST_AT_ONCE)]
MemberLimit = Annotated[int, Query(ge=1, le=MOST_AT_ONCE, description="How many to list at most.")]
LongCursor = Annotated[
    str | None, Query(max_length=4_000, description="Where to go on: the `next_cursor` of the page before.")
]
OfSite = Annotated[Reference | None, Query(description="Only this site's cohorts.")]


class NewCohort(BaseModel):
    """What a new cohort is."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    name: Name
    of: Kind = Field("users", description="Of whom: people where known, else visitors (`users`); or `visitors`.")
    definition: MembersForm = Field(examples=[EXAMPLE])


class CohortChange(BaseModel):
    """What is to be another."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    definition: MembersForm | None = None


class CohortTold(BaseModel):
    """A cohort."""

    id: str = Field(examples=["cohort_0f3a5b7c9d1e2f40"])
    site_id: str
    name: str
    of: Kind
    definition: dict[str, Any] = Field(examples=[EXAMPLE])
    created: int = Field(description="When it was made, ms since the epoch.")
    changed: int = Field(description="When it was changed last, ms since the epoch.")


class Size(BaseModel):
    """How many members there are at this moment."""

    members: int


class Member(BaseModel):
    """A member: a person where one is known, else a visitor."""

    user_id: str | None = None
    visitor_id: str | None = None


class ListChange(BaseModel):
    """Who is put on the list, or taken off."""

    model_config = ConfigDict(extra="forbid")

    user_ids: Ids = Field([], description="People; in a cohort of users alone.")
    visitor_ids: Ids = Field([], description="Visitors.")
    action: Literal["add", "remove"] = "add"

    @model_validator(mode="after")
    def _is_something(self) -> "ListChange":
        if not 1 <= len(self.user_ids) + len(self.visitor_ids) <= MOST_AT_ONCE:
            raise ValueError(f"names 1 to {MOST_AT_ONCE:,} members")
        return self


@router.get("", summary="The cohorts")
async def list_cohorts(
    key: Reader, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[CohortTold]:
    """By id."""
    after = decode(cursor)
    only = key.site_id if site_id is None else own_site(key, site_id)
    found = await parts.stored(lambda store: store.cohorts.list(key.organisation, only, limit + 1, after))
    return page_of([told(each) for each in found], limit, lambda each: each.id)


@router.post("", status_code=201, summary="Make a cohort", responses=documented(409))
async def create_cohort(key: Administrator, parts: With, wanted: NewCohort) -> CohortTold:
    """By what its members did, or by a list (`{"listed": true}`) that is filled by `POST /api/v1/cohorts/{cohort_id}/members`."""
    site = await found_site(parts, key, wanted.site_id)
    now = now_ms()
    record = CohortRecord(id="", site=site.id, of=wanted.of, definition=_kept(wanted.definition))
    await _demand_possible(parts, record, site.timezone, now)
    values = {"name": wanted.name, "definition": record.definition}
    made = await parts.stored(lambda store: store.cohorts.create(key.organisation, site.id, values, wanted.of, now))
    return told(made)


@router.get("/{cohort_id}", summary="A cohort")
async def get_cohort(key: Reader, parts: With, cohort_id: Reference) -> CohortTold:
    """One of another organisation or site answers as one that does not exist."""
    return told(await _found(key, parts, cohort_id))


@router.patch("/{cohort_id}", summary="Change a cohort", responses=documented(409))
async def change_cohort(key: Administrator, parts: With, cohort_id: Reference, change: CohortChange) -> CohortTold:
    """Whatever is not named stays as it is."""
    record, now = await _found(key, parts, cohort_id), now_ms()
    values: dict[str, Any] = {"name": change.name} if change.name else {}
    if change.definition is not None:
        values["definition"] = record.definition = _kept(change.definition)
        site = await found_site(parts, key, record.site)
        await _demand_possible(parts, record, site.timezone, now)
        await parts.stored(lambda store: _demand_bearable(store, key.organisation, record))
    made = await parts.stored(lambda store: store.cohorts.change(key.organisation, key.site_id, cohort_id, values, now))
    await parts.answers.changed(made.site)
    return told(made)


@router.delete("/{cohort_id}", status_code=204, summary="Remove a cohort", responses=documented(409))
async def remove_cohort(key: Administrator, parts: With, cohort_id: Reference) -> Response:
    """Questions can no longer name it. Refused while another cohort names it."""

    def users(store: Store) -> list[str]:
        own = store.cohorts.get(key.organisation, key.site_id, cohort_id)
        others = store.cohorts.list(key.organisation, own.site, MOST_OF_A_SITE)
        return [other.id for other in others if cohort_id in named_in(MembersForm.model_validate(other.definition))]

    if named := await parts.stored(users):
        raise Conflict(f"the cohort {named[0]} names it: change that first")
    gone = await parts.stored(lambda store: store.cohorts.archive(key.organisation, key.site_id, cohort_id, now_ms()))
    await parts.answers.changed(gone.site)
    return Response(status_code=204)


@router.get("/{cohort_id}/size", summary="How many are in a cohort", responses=documented(504))
async def count_members(request: Request, key: Reader, parts: With, cohort_id: Reference) -> Size:
    """Counted now, exactly."""
    cohort, known, now = await _as_it_is(key, parts, cohort_id)
    found = await answered(request, parts, lambda client: cohort_people.size(client, cohort, known, now))
    return Size(members=found)


@router.get("/{cohort_id}/members", summary="Who is in a cohort", responses=documented(504))
async def list_members(
    request: Request,
    key: Reader,
    parts: With,
    cohort_id: Reference,
    limit: MemberLimit = 1_000,
    cursor: LongCursor = None,
) -> Page[Member]:
    """As they are now, in pages, by who they are."""
    cohort, known, now = await _as_it_is(key, parts, cohort_id)
    after = _after(cursor)
    found = await answered(
        request, parts, lambda client: cohort_people.members(client, cohort, known, now, after, limit + 1)
    )
    following = encode(found[limit - 1].encode().hex()) if len(found) > limit else None
    return Page(data=[_member(cohort.kind, who) for who in found[:limit]], next_cursor=following)


@router.post("/{cohort_id}/members", status_code=204, summary="Change the list of a cohort")
async def change_list(key: Administrator, parts: With, cohort_id: Reference, change: ListChange) -> Response:
    """Put members on it, or take them off; twice is as once. It counts where the definition says `listed`."""
    record = await _found(key, parts, cohort_id)
    if record.of == "visitors" and change.user_ids:
        raise BadParameter("user_ids", "is for cohorts of users; this one is of visitors")
    who, now = _who(record.of, change), now_ms()
    listed = change.action == "add"
    await parts.put(lambda client: cohort_people.put(client, record.site, cohort_id, who, listed, now))
    await parts.stored(lambda store: store.cohorts.change(key.organisation, key.site_id, cohort_id, {}, now))
    await parts.answers.changed(record.site)
    return Response(status_code=204)


def told(record: CohortRecord) -> CohortTold:
    """A cohort as it is answered."""
    return CohortTold(
        id=record.id,
        site_id=record.site,
        name=record.name,
        of=record.of,
        definition=record.definition,
        created=record.created,
        changed=record.changed,
    )


async def _found(key: Key, parts: Parts, cohort_id: str) -> CohortRecord:
    return await parts.stored(lambda store: store.cohorts.get(key.organisation, key.site_id, cohort_id))


async def _as_it_is(key: Key, parts: Parts, cohort_id: str) -> tuple[Cohort, dict[str, Cohort], int]:
    """A cohort, those that it stands on, and of when they are."""
    record, now = await _found(key, parts, cohort_id), now_ms()
    site = await found_site(parts, key, record.site)
    records = await parts.stored(lambda store: loaded(store, site.id, {cohort_id}))
    zone = ZoneInfo(site.timezone)
    people = (await parts.people.of(site.id)).people
    known = {name: cohort_of(records, name, zone, now, people) for name in records}
    return known[cohort_id], known, now


async def _demand_possible(parts: Parts, record: CohortRecord, timezone: str, now: int) -> None:
    """Raise BadParameter or QueryError for a definition that could not be asked."""

    def records(store: Store) -> dict[str, CohortRecord]:
        return loaded(store, record.site, named_in(MembersForm.model_validate(record.definition)))

    others = await parts.stored(records)
    zone = ZoneInfo(timezone)
    known = {name: cohort_of(others | {record.id: record}, name, zone, now) for name in others}
    cohort = cohort_of(others | {record.id: record}, record.id, zone, now)
    cohort.sql(Parameters(cohorts=known), "definition")


def _demand_bearable(store: Store, organisation: str, record: CohortRecord) -> None:
    """Raise Conflict where a cohort that stands on this one could no longer be asked, though it could before."""
    records = {each.id: each for each in store.cohorts.list(organisation, record.site, MOST_OF_A_SITE)}
    for name in sorted(standing_on(records, record.id)):
        why = refusal(records | {record.id: record}, name)
        if why and not refusal(records, name):
            raise Conflict(f"the cohort {name} stands on this one, and could not be asked any more: {why}")


def _kept(form: MembersForm) -> dict[str, Any]:
    return form.model_dump(by_alias=True, exclude_unset=True)


def _who(of: str, change: ListChange) -> list[str]:
    if of == "visitors":
        return change.visitor_ids
    return [*(f"u{name}" for name in change.user_ids), *(f"v{name}" for name in change.visitor_ids)]


def _member(kind: Kind, who: str) -> Member:
    if kind == "visitors":
        return Member(user_id=who[1:]) if who.startswith(PERSON) else Member(visitor_id=who)
    return Member(user_id=who[1:]) if who.startswith("u") else Member(visitor_id=who[1:])


def _after(cursor: str | None) -> str:
    try:
        return bytes.fromhex(decode(cursor)).decode()
    except ValueError:
        raise BadParameter("cursor", "is not one that a page gave") from None
