"""/api/v1/sites: the sites that events belong to."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.allowed import own_site, require_whole_organisation
from api.control.model import Site
from api.keyring import Key
from api.problems import documented
from api.query.access import Administrator
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.word import Name, Reference, SiteId, Zone
from pulse.mode import STANDARD, Mode

MAX_SETTINGS_BYTES = 8_192

router = APIRouter(tags=["sites"], responses=documented(400, 401, 403, 503))


def _small(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        text = orjson.dumps(settings)
    except TypeError as error:
        raise ValueError(f"cannot be kept as JSON: {error}") from None
    if len(text) > MAX_SETTINGS_BYTES:
        raise ValueError(f"must not take more than {MAX_SETTINGS_BYTES} bytes as JSON")
    kept: dict[str, Any] = orjson.loads(text)
    return kept


WHAT_IS_KEPT = "What is kept of visitors: `standard`: what is sent; `anonymous`: nothing of the device and no lasting id; `consented`: the device's part with consent alone; `security`: without it only for security, tied to nobody. See privacy.md."
SiteSettings = Annotated[dict[str, Any], AfterValidator(_small)]


class NewSite(BaseModel):
    """A site as it is to be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"id": "shop", "name": "The shop", "timezone": "Europe/Vienna"}}
    )

    id: SiteId = Field(description="Its public id, for ever; no other site of any organisation may have it.")
    name: Name | None = Field(None, description="What people call it; its id if missing.")
    timezone: Zone = Field("UTC", description="IANA time zone of its days.")
    settings: SiteSettings = Field({}, description="Settings of this site.")
    mode: Mode = Field(STANDARD, description=WHAT_IS_KEPT)


class SiteChange(BaseModel):
    """What is to change of a site; what is missing stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"timezone": "America/New_York"}})

    name: Name = Field("", description="What people call it.")
    timezone: Zone = Field("", description="IANA time zone of its days.")
    settings: SiteSettings = Field({}, description="Settings of this site, in place of all that it had.")
    mode: Mode = Field(STANDARD, description=WHAT_IS_KEPT)


class SiteRecord(BaseModel):
    """A site."""

    id: str = Field(examples=["shop"])
    name: str = Field(examples=["The shop"])
    timezone: str = Field(examples=["Europe/Vienna"])
    settings: dict[str, Any]
    mode: str = Field(description="What is kept of visitors.", examples=["standard"])
    created: int = Field(description="When it was made, ms since the epoch.", examples=[1763640000000])
    archived: int | None = Field(None, description="When it was taken out of use, ms since the epoch.")


@router.get("/sites", summary="The sites of the organisation")
async def list_sites(key: Administrator, parts: With, limit: Limit = USUAL, cursor: Cursor = None) -> Page[SiteRecord]:
    """By id. A key that is bound to one site sees that site alone."""
    after = decode(cursor)
    found = await parts.stored(lambda store: store.sites.list(key.organisation, limit + 1, after, key.site_id))
    return page_of([told(site) for site in found], limit, lambda site: site.id)


@router.post("/sites", status_code=201, summary="Make a site", responses=documented(409))
async def create_site(key: Administrator, parts: With, wanted: NewSite) -> SiteRecord:
    """Takes a key of the whole organisation."""
    require_whole_organisation(key)
    values = wanted.model_dump() | {"name": wanted.name or wanted.id}
    return told(await parts.stored(lambda store: store.sites.create(key.organisation, wanted.id, values, now_ms())))


@router.get("/sites/{site_id}", summary="A site", responses=documented(404))
async def get_site(key: Administrator, parts: With, site_id: Reference) -> SiteRecord:
    """A site of another organisation answers as one that does not exist."""
    return told(await found_site(parts, key, site_id))


@router.patch("/sites/{site_id}", summary="Change a site", responses=documented(404, 409))
async def change_site(key: Administrator, parts: With, site_id: Reference, change: SiteChange) -> SiteRecord:
    """Whatever is not named stays as it is. Another mode holds here at once and elsewhere within a minute."""
    own = own_site(key, site_id)
    values = change.model_dump(exclude_unset=True)
    changed = await parts.stored(lambda store: store.sites.change(key.organisation, own, values))
    if "mode" in values:
        await _forget_keys(parts, own)
    await parts.answers.changed(own)
    return told(changed)


@router.delete("/sites/{site_id}", status_code=204, summary="Archive a site", responses=documented(404, 409))
async def archive_site(key: Administrator, parts: With, site_id: Reference) -> Response:
    """Its events stay; its keys end, here at once and elsewhere within a minute. Takes a key of the whole organisation."""
    require_whole_organisation(key)
    await parts.stored(lambda store: store.sites.archive(key.organisation, site_id, now_ms()))
    await _forget_keys(parts, site_id)
    await parts.answers.changed(site_id)
    return Response(status_code=204)


async def _forget_keys(parts: Parts, site_id: str) -> None:
    """What is remembered of a site's keys is of the site as it was."""
    for fingerprint in await parts.stored(lambda store: store.keys.fingerprints(site_id)):
        await parts.keyring.forget(fingerprint)


async def found_site(parts: Parts, key: Key, site_id: str | None) -> Site:
    """The site that a key asks about; raises NotFound for one that is not the key's, BadParameter if none is named."""
    own, known = own_site(key, site_id), parts.site
    if known is not None and (known.id, known.organisation) == (own, key.organisation):
        return known
    return await parts.stored(lambda store: store.sites.get(key.organisation, own))


def told(site: Site) -> SiteRecord:
    """A site as it is answered."""
    return SiteRecord(
        id=site.id,
        name=site.name,
        timezone=site.timezone,
        settings=site.settings,
        mode=site.mode,
        created=site.created,
        archived=site.archived,
    )
