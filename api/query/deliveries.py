"""/api/v1/webhooks/{id}/deliveries: what was sent, what was answered, and sending it again."""

from typing import Annotated, Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.control.deliveries import Range
from api.control.outgoing import Attempt, Delivery, Endpoint
from api.problems import BadParameter, documented
from api.query.access import Administrator
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import With, now_ms
from api.query.span import moment
from api.query.webhooks import found_webhook
from api.query.word import Reference
from pulse.notice import Notice

TEST = "webhook.test"
UTC = ZoneInfo("UTC")

router = APIRouter(tags=["webhooks"], responses=documented(400, 401, 403, 404, 503))

State = Literal["pending", "delivered", "dead", "overtaken"]
OfState = Annotated[State | None, Query(description="Only those in this state.")]
Moment = Annotated[str, StringConstraints(max_length=64)]


class AttemptRecord(BaseModel):
    """One attempt."""

    number: int
    at: int = Field(description="When it began, ms since the epoch.")
    ms: int = Field(description="How long it took.")
    status: int | None = Field(None, description="HTTP status of the answer, if there was one.")
    verdict: str = Field(
        description="`delivered`, `again`, `refused`, `gone`, or `unknown` if the process died over it."
    )
    answer: str = Field(description="The first 1 kB of what was answered.")
    error: str = Field(description="What went wrong where nothing was answered.")


class DeliveryRecord(BaseModel):
    """A notice for a webhook. Times are ms since the epoch."""

    id: str = Field(description="What the receiver knows it by: the header `webhook-id`.")
    notice_id: str
    kind: str
    state: str = Field(
        description="`pending`, `delivered`, `dead`: not tried again unless asked for, or `overtaken`: it was over before."
    )
    created: int
    next_attempt: int | None = Field(
        None,
        description="When it is tried next, while it is pending; the end of the time for which its webhook is left alone, if that is later.",
    )
    attempts: int = Field(description="Attempts so far.")
    status: int | None = Field(None, description="Of the last attempt.")
    error: str = Field(description="Of the last attempt.")
    finished: int | None = None


class DeliveryInFull(DeliveryRecord):
    """A delivery with its notice and every attempt."""

    notice: dict[str, Any]
    tried: list[AttemptRecord]


class Again(BaseModel):
    """Which deliveries are to be made once more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"state": "dead"}})

    state: Literal["dead", "delivered", "all"] = Field("dead", description="Those in this state.")
    start_date: Moment | None = Field(
        None, description="Those made from here on: ms since the epoch, or an ISO 8601 time or date, in UTC."
    )
    end_date: Moment | None = Field(None, description="Those made before, likewise; a date is in whole.")


class Asked(BaseModel):
    """How many are delivered once more."""

    deliveries: int


@router.get("/{webhook_id}/deliveries", summary="What was sent to a webhook")
async def list_deliveries(
    key: Administrator,
    parts: With,
    webhook_id: Reference,
    state: OfState = None,
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[DeliveryRecord]:
    """The newest first."""
    before = _place(decode(cursor))
    endpoint = await found_webhook(parts, key, webhook_id)
    found = await parts.stored(lambda store: store.deliveries.list(webhook_id, state, limit + 1, before))
    return page_of([told(each, endpoint) for each in found], limit, lambda each: f"{each.created}:{each.id}")


@router.get("/{webhook_id}/deliveries/{delivery_id}", summary="A delivery with its attempts")
async def get_delivery(
    key: Administrator, parts: With, webhook_id: Reference, delivery_id: Reference
) -> DeliveryInFull:
    """What was sent and what was answered, attempt by attempt."""
    endpoint = await found_webhook(parts, key, webhook_id)
    delivery, attempts = await parts.stored(lambda store: store.deliveries.get(webhook_id, delivery_id))
    tried = [_attempt(each) for each in attempts]
    return DeliveryInFull(**told(delivery, endpoint).model_dump(), notice=orjson.loads(delivery.record), tried=tried)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Send a delivery again",
    responses=documented(409),
)
async def redeliver(key: Administrator, parts: With, webhook_id: Reference, delivery_id: Reference) -> DeliveryRecord:
    """At once, under the same `webhook-id`, and by a schedule that begins anew."""
    endpoint = await found_webhook(parts, key, webhook_id)
    again = await parts.stored(lambda store: store.deliveries.redeliver(endpoint, delivery_id, now_ms()))
    return told(again, endpoint)


@router.post(
    "/{webhook_id}/redeliver", status_code=202, summary="Send many deliveries again", responses=documented(409)
)
async def redeliver_many(key: Administrator, parts: With, webhook_id: Reference, wanted: Again | None = None) -> Asked:
    """All dead ones, unless a range or another state is named. Those that wait anyway are not touched."""
    again = wanted or Again()
    since = None if again.start_date is None else moment("start_date", again.start_date, UTC)
    until = None if again.end_date is None else moment("end_date", again.end_date, UTC, is_end=True)
    if since is not None and until is not None and since >= until:
        raise BadParameter("start_date", "must lie before end_date")
    within = Range(since, until, None if again.state == "all" else again.state)
    endpoint = await found_webhook(parts, key, webhook_id)
    number = await parts.stored(lambda store: store.deliveries.redeliver_all(endpoint, within, now_ms()))
    return Asked(deliveries=number)


@router.post("/{webhook_id}/test", status_code=202, summary="Send a test", responses=documented(409))
async def send_test(key: Administrator, parts: With, webhook_id: Reference) -> DeliveryRecord:
    """A notice of the kind `webhook.test`, by the way that all others go; look at the delivery for what was answered."""
    endpoint = await found_webhook(parts, key, webhook_id)
    data = {"webhook_id": endpoint.id, "name": endpoint.name, "message": "This is a test."}
    notice = Notice(id=f"test_{uuid4().hex}", kind=TEST, site_id=endpoint.site, at=now_ms(), data=data)
    return told(await parts.stored(lambda store: store.deliveries.ask(endpoint, notice, now_ms())), endpoint)


def told(delivery: Delivery, endpoint: Endpoint) -> DeliveryRecord:
    """A delivery to an endpoint as it is answered."""
    due = max(delivery.due, endpoint.blocked_until)
    return DeliveryRecord(
        id=delivery.id,
        notice_id=delivery.notice,
        kind=delivery.kind,
        state=delivery.state,
        created=delivery.created,
        next_attempt=due if delivery.state == "pending" else None,
        attempts=delivery.attempts,
        status=delivery.status,
        error=delivery.error,
        finished=delivery.finished,
    )


def _attempt(attempt: Attempt) -> AttemptRecord:
    return AttemptRecord(
        number=attempt.number,
        at=attempt.at,
        ms=attempt.ms,
        status=attempt.status,
        verdict=attempt.verdict,
        answer=attempt.answer,
        error=attempt.error,
    )


def _place(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    created, _, delivery_id = text.partition(":")
    if not created.isascii() or not created.isdigit() or len(created) > 15 or not delivery_id:
        raise BadParameter("cursor", "is not one that a page gave")
    return int(created), delivery_id
