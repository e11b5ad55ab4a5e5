"""/api/v1/webhooks: where a site's notices are sent; a secret is shown once, when it is made."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from api.allowed import own_site
from api.control import endpoints
from api.control.endpoints import NewEndpoint, Shown
from api.control.outgoing import Endpoint
from api.control.seal import Seal
from api.control.store import Store
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Administrator
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import HOUR_MS, Parts, With, now_ms
from api.query.sites import found_site
from api.query.webhookform import (
    Preview,
    Sample,
    SecretRotation,
    ShownWebhook,
    WebhookChange,
    WebhookRecord,
    WebhookRequest,
)
from api.query.word import Reference
from pulse.errors import SettingError
from pulse.notice import Notice
from pulse.outbound import breaker
from pulse.outbound.address import NoAddress, Refused
from pulse.outbound.mail import is_mail, recipients
from pulse.outbound.resolve import checked
from pulse.outbound.target import target_of
from pulse.outbound.template import render

LOOKED_UP_S = 3.0
NEEDED = {"pagerduty": "X-Routing-Key", "opsgenie": "Authorization"}
"""The header without which a template's receiver takes nothing."""

router = APIRouter(tags=["webhooks"], responses=documented(400, 401, 403, 404, 503))

OfSite = Annotated[Reference | None, Query(description="Only this site's webhooks.")]


@router.get("", summary="The webhooks of the organisation")
async def list_webhooks(
    key: Administrator, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[WebhookRecord]:
    """By id. A key that is bound to one site sees that site's alone."""
    after, seal, now = decode(cursor), Seal(parts.secret), now_ms()

    def find(store: Store) -> list[WebhookRecord]:
        site = key.site_id if site_id is None else store.sites.get(key.organisation, own_site(key, site_id)).id
        return [told(each, seal, now) for each in store.endpoints.list(key.organisation, site, limit + 1, after)]

    return page_of(await parts.stored(find), limit, lambda each: each.id)


@router.post("", status_code=201, summary="Make a webhook", responses=documented(409))
async def create_webhook(key: Administrator, parts: With, wanted: WebhookRequest) -> ShownWebhook:
    """The answer holds the secret that messages are signed with, this once."""
    site = await found_site(parts, key, wanted.site_id)
    await demand_callable(parts, wanted.url)
    _demand_header(wanted.url, wanted.template, wanted.headers)
    new = NewEndpoint(
        site.organisation,
        site.id,
        wanted.name or _usual_name(wanted.url, parts),
        wanted.url,
        wanted.kinds,
        wanted.template,
        wanted.headers,
        wanted.enabled,
        wanted.secret,
        wanted.unmasked,
    )
    seal = Seal(parts.secret)
    return shown(await parts.stored(lambda store: store.endpoints.create(new, seal, now_ms())), seal)


@router.post("/preview", summary="What a template makes of a notice")
async def preview(_: Administrator, sample: Sample) -> Preview:
    """Nothing is sent."""
    notice = Notice(id="preview", kind=sample.kind, site_id="site", at=now_ms(), data=sample.data)
    made = render(sample.template, notice, {})
    return Preview(path=made.path, body=orjson.loads(made.body))


@router.get("/{webhook_id}", summary="A webhook")
async def get_webhook(key: Administrator, parts: With, webhook_id: Reference) -> WebhookRecord:
    """What it is, and how it does."""
    return told(await found_webhook(parts, key, webhook_id), Seal(parts.secret), now_ms())


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(409))
async def change_webhook(
    key: Administrator, parts: With, webhook_id: Reference, change: WebhookChange
) -> WebhookRecord:
    """Whatever is not named stays as it is. Enabling forgets what was wrong with it."""
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    before, seal, now = await found_webhook(parts, key, webhook_id), Seal(parts.secret), now_ms()
    if "url" in values:
        await demand_callable(parts, values["url"])
    if not values.keys().isdisjoint({"url", "template", "headers"}):
        headers = values["headers"] if "headers" in values else _headers(before, seal)
        _demand_header(values.get("url", before.url), values.get("template", before.template), headers)
    changed = await parts.stored(
        lambda store: store.endpoints.change(key.organisation, key.site_id, webhook_id, values, seal, now)
    )
    return told(changed, seal, now)


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook")
async def delete_webhook(key: Administrator, parts: With, webhook_id: Reference) -> Response:
    """With all that was recorded of its deliveries."""
    await parts.stored(lambda store: store.endpoints.delete(key.organisation, key.site_id, webhook_id))
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate", status_code=201, summary="Replace a secret", responses=documented(409))
async def rotate_secret(
    key: Administrator, parts: With, webhook_id: Reference, rotation: SecretRotation | None = None
) -> ShownWebhook:
    """Makes another secret. Messages are signed by both until `overlap_hours` (24) have passed."""
    wanted, seal = rotation or SecretRotation(), Seal(parts.secret)
    overlap_ms = int(wanted.overlap_hours * HOUR_MS)
    rotated = await parts.stored(
        lambda store: store.endpoints.rotate(
            key.organisation, key.site_id, webhook_id, seal, now_ms(), overlap_ms, wanted.secret
        )
    )
    return shown(rotated, seal)


async def found_webhook(parts: Parts, key: Key, webhook_id: str) -> Endpoint:
    """A webhook that is the key's; raises NotFound."""
    return await parts.stored(lambda store: store.endpoints.get(key.organisation, key.site_id, webhook_id))


async def demand_callable(parts: Parts, url: str) -> None:
    """Raise BadParameter for an address that may not be called. A name that leads nowhere now may do so later."""
    if is_mail(url):
        if not parts.has_mail:
            raise BadParameter("url", "names e-mail, but PULSE_SMTP_URL names no server for it")
        return
    try:
        target = target_of(url, parts.callable_networks)
        async with asyncio.timeout(LOOKED_UP_S):
            await checked(target.host, parts.callable_networks)
    except (NoAddress, TimeoutError):
        return
    except Refused as error:
        raise BadParameter("url", str(error)) from None


def told(endpoint: Endpoint, seal: Seal, now: int) -> WebhookRecord:
    """A webhook as it is answered at `now`, in ms."""
    until, previous = endpoint.blocked_until, endpoint.previous_until or 0
    return WebhookRecord(
        id=endpoint.id,
        site_id=endpoint.site,
        name=endpoint.name,
        url=endpoint.url,
        kinds=endpoint.kinds,
        template=endpoint.template,
        headers=sorted(_headers(endpoint, seal)),
        unmasked=endpoint.unmasked,
        enabled=endpoint.enabled,
        disabled=endpoint.disabled,
        disabled_why=endpoint.disabled_why,
        breaker=breaker.state(endpoint.failures, until, now),
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        blocked_until=until if until > now else None,
        previous_secret_until=previous if previous > now else None,
        created=endpoint.created,
    )


def shown(made: Shown, seal: Seal) -> ShownWebhook:
    """A webhook with its new secret as it is answered."""
    return ShownWebhook(**told(made.stored, seal, now_ms()).model_dump(), secret=made.secret)


def _usual_name(url: str, parts: Parts) -> str:
    named = recipients(url)[0] if is_mail(url) else target_of(url, parts.callable_networks).host
    return named[:200]


def _demand_header(url: str, template: str, headers: Mapping[str, str]) -> None:
    needed = NEEDED.get(template)
    if needed and not is_mail(url) and not any(v for name, v in headers.items() if name.lower() == needed.lower()):
        raise BadParameter("headers", f"lacks {needed}, without which {template} takes nothing")


def _headers(endpoint: Endpoint, seal: Seal) -> Mapping[str, str]:
    """None where they cannot be read: the endpoint's deliveries say why."""
    try:
        return endpoints.headers(endpoint, seal)
    except SettingError:
        return {}
