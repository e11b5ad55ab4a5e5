"""/api/v1/leads: who sent a site's forms, what they did on the site, and whom to tell of it."""

from typing import Annotated
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from api.allowed import ADMIN, UNMASKED, own_site
from api.control.leads import Lead, Wanted, email_mark, personal_of
from api.control.leadtold import notice_of
from api.control.outgoing import Delivery, Endpoint
from api.control.seal import LEADS, Seal
from api.control.store import Store
from api.keyring import Key
from api.problems import BadParameter, Forbidden, documented
from api.query.access import LeadReader, LeadWriter
from api.query.asking import asked as answered
from api.query.deliveries import DeliveryRecord
from api.query.deliveries import told as delivery_told
from api.query.leadform import (
    ONE_SITE,
    AskedLeads,
    Forwarding,
    LeadChange,
    LeadInFull,
    LeadRecord,
    StepRecord,
    activity_told,
    step_told,
    told,
)
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.span import moment
from api.query.word import Reference, WithoutNul
from clickhouse.client import Client
from clickhouse.reports.lead import Activity, Step, Whose, activity, steps
from pulse.errors import QueryError, TooCostly, Unavailable
from pulse.event import MAX_MS
from pulse.leads.notice import FORWARDED, id_of
from pulse.leads.status import FORWARDED as HAS_GONE
from pulse.leads.status import OPEN

UTC = ZoneInfo("UTC")
FIRST = 0, UUID(int=0)
SHOWN = 50
NOBODY = "the lead names neither session nor visitor"
NOTHING = "nothing of it is stored"

router = APIRouter(tags=["leads"], responses=documented(400, 401, 403, 404, 409, 503))

OfSite = Annotated[Reference | None, Query(description=ONE_SITE)]
Named = Annotated[str, StringConstraints(max_length=200), WithoutNul]


@router.get("", summary="The leads of the organisation")
async def list_leads(key: LeadReader, parts: With, asked: Annotated[AskedLeads, Query()]) -> Page[LeadRecord]:
    """The newest first. Who they are is masked, unless the key has `leads:unmasked` or `admin`."""
    before = _place(decode(asked.cursor))
    if asked.email is not None and _is_masked(key):
        raise Forbidden(f"the key lacks the scope {UNMASKED} or {ADMIN}, which searching by e-mail address takes")

    def find(store: Store) -> list[Lead]:
        site = (
            key.site_id if asked.site_id is None else store.sites.get(key.organisation, own_site(key, asked.site_id)).id
        )
        if asked.email is not None and site is None:
            raise BadParameter("site_id", "is required where an e-mail address is searched")
        mark = None if asked.email is None else email_mark(parts.secret, site or "", asked.email) or "none"
        wanted = Wanted(*_range(asked), asked.status, asked.band, asked.form, asked.visitor_id, mark, before)
        return list(store.leads.list(key.organisation, site, wanted, asked.limit + 1))

    found = await parts.stored(find)
    page = page_of(found, asked.limit, lambda each: f"{each.received}:{each.id}")
    return Page(data=[_told(each, key, parts) for each in page.data], next_cursor=page.next_cursor)


@router.get("/{lead_id}", summary="A lead, with what its session did")
async def get_lead(
    request: Request, key: LeadReader, parts: With, lead_id: Reference, site_id: OfSite = None
) -> LeadInFull:
    """Also while the store of events is away: then without what its session did."""
    lead = await _found(parts, key, lead_id, site_id)
    whose, missing = _whose(lead), NOBODY
    did: Activity | None = None
    first: list[Step] = []
    if whose is not None:
        missing = NOTHING
        try:
            did, first = await answered(request, parts, lambda client: _did(client, whose))
        except (Unavailable, TooCostly, QueryError) as error:
            missing = str(error)
    return LeadInFull(
        **_told(lead, key, parts).model_dump(),
        activity=None if did is None else activity_told(did),
        activity_missing="" if did is not None else missing,
        events=[step_told(each) for each in first],
    )


@router.get("/{lead_id}/events", summary="What a lead's session did, event by event", responses=documented(504))
async def lead_events(
    request: Request,
    key: LeadReader,
    parts: With,
    lead_id: Reference,
    site_id: OfSite = None,
    event: Annotated[Named | None, Query(description="Only those of this name.")] = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[StepRecord]:
    """In their order."""
    after = _step_place(decode(cursor))
    whose = _whose(await _found(parts, key, lead_id, site_id))
    if whose is None:
        return Page(data=[])
    found = await answered(request, parts, lambda client: steps(client, whose, event or "", after, limit + 1))
    return page_of([step_told(each) for each in found], limit, lambda each: f"{each.ts}:{each.event_id}")


@router.patch("/{lead_id}", summary="Change a lead's status")
async def change_lead(
    key: LeadWriter, parts: With, lead_id: Reference, change: LeadChange, site_id: OfSite = None
) -> LeadRecord:
    """Nothing else of a lead changes."""
    lead = await _found(parts, key, lead_id, site_id)
    changed = await parts.stored(
        lambda store: store.leads.change(key.organisation, lead.site, lead.id, change.status, now_ms())
    )
    return _told(changed, key, parts)


@router.delete("/{lead_id}", status_code=204, summary="Forget a lead")
async def delete_lead(key: LeadWriter, parts: With, lead_id: Reference, site_id: OfSite = None) -> Response:
    """With all that webhooks were told of it and answered. Its event stays, and holds nobody."""
    lead = await _found(parts, key, lead_id, site_id)
    await parts.stored(lambda store: store.leads.delete(key.organisation, lead.site, lead.id))
    return Response(status_code=204)


@router.post("/{lead_id}/forward", status_code=202, summary="Forward a lead")
async def forward_lead(
    key: LeadWriter, parts: With, lead_id: Reference, wanted: Forwarding, site_id: OfSite = None
) -> DeliveryRecord:
    """To a webhook of its site, by the way that all notices go: it is tried again until it is there. Each call sends it once more."""
    lead = await _found(parts, key, lead_id, site_id)

    def forward(store: Store) -> tuple[Delivery, Endpoint]:
        endpoint = store.endpoints.get(key.organisation, lead.site, wanted.webhook_id)
        notice = notice_of(lead, f"{id_of(lead.id)}-{uuid4().hex}", FORWARDED, lead.suspicion, lead.reasons, lead.band)
        made = store.deliveries.ask(endpoint, notice, now_ms())
        store.leads.change(key.organisation, lead.site, lead.id, HAS_GONE, now_ms(), of=OPEN)
        return made, endpoint

    return delivery_told(*await parts.stored(forward))


async def _found(parts: Parts, key: Key, lead_id: str, site_id: str | None) -> Lead:
    """A lead that is the key's; raises NotFound."""
    site = key.site_id if site_id is None else own_site(key, site_id)
    return await parts.stored(lambda store: store.leads.get(key.organisation, site, lead_id))


def _told(lead: Lead, key: Key, parts: Parts) -> LeadRecord:
    return told(lead, personal_of(lead, Seal(parts.secret, LEADS)), _is_masked(key))


def _is_masked(key: Key) -> bool:
    return key.scopes.isdisjoint({ADMIN, UNMASKED})


def _whose(lead: Lead) -> Whose | None:
    if not lead.is_linked or not (lead.session or lead.visitor):
        return None
    return Whose(lead.site, lead.received, lead.session, lead.visitor)


def _did(client: Client, whose: Whose) -> tuple[Activity | None, list[Step]]:
    return activity(client, whose), steps(client, whose, "", FIRST, SHOWN)


def _range(asked: AskedLeads) -> tuple[int | None, int | None]:
    since = None if asked.start_date is None else moment("start_date", asked.start_date, UTC)
    until = None if asked.end_date is None else moment("end_date", asked.end_date, UTC, is_end=True)
    return since, until


def _place(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    at, _, lead_id = text.partition(":")
    if not at.isascii() or not at.isdigit() or len(at) > 15 or not lead_id:
        raise BadParameter("cursor", "is not one that a page gave")
    return int(at), lead_id


def _step_place(text: str) -> tuple[int, UUID]:
    if not text:
        return FIRST
    at, _, event_id = text.partition(":")
    try:
        place = int(at), UUID(event_id)
    except ValueError:
        raise BadParameter("cursor", "is not one that a page gave") from None
    if not 0 <= place[0] <= MAX_MS:
        raise BadParameter("cursor", "is not one that a page gave")
    return place
