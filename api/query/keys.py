"""/api/v1/keys: the keys of an organisation; a key itself is shown once, when it is made."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.allowed import own_site
from api.control.keys import Made, NewKey
from api.control.model import ApiKey
from api.control.store import Store
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Administrator
from api.query.keyform import KeyRecord, KeyRequest, Rotation, ShownKey, refuse
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import With, now_ms
from api.query.word import Reference

HOUR_MS = 3_600_000

router = APIRouter(tags=["keys"], responses=documented(400, 401, 403, 404, 503))

OfSite = Annotated[Reference | None, Query(description="Only this site's keys.")]


@router.get("", summary="The keys of the organisation")
async def list_keys(
    key: Administrator, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[KeyRecord]:
    """By id, revoked ones too. Of each key its beginning is shown, never the key."""
    after = decode(cursor)

    def find(store: Store) -> list[KeyRecord]:
        site = key.site_id if site_id is None else store.sites.get(key.organisation, own_site(key, site_id)).id
        return [told(each) for each in store.keys.list(key.organisation, site, limit + 1, after)]

    return page_of(await parts.stored(find), limit, lambda each: each.id)


@router.post("", status_code=201, summary="Make a key")
async def create_key(key: Administrator, parts: With, wanted: KeyRequest) -> ShownKey:
    """The answer holds the key itself, this once: only a hash of it is kept."""
    now = now_ms()
    refuse(wanted, now)

    def make(store: Store) -> Made:
        site = _site_of(store, key, wanted)
        scopes, origins = tuple(wanted.scopes), tuple(wanted.origins)
        new = NewKey(key.organisation, site, wanted.name, scopes, origins, wanted.public, wanted.expires)
        return store.keys.create(new, parts.secret, now)

    return shown(await parts.stored(make))


@router.get("/{key_id}", summary="A key")
async def get_key(key: Administrator, parts: With, key_id: Reference) -> KeyRecord:
    """What is known of a key, and when it was last used, within a minute."""
    return told(await parts.stored(lambda store: store.keys.get(key.organisation, key.site_id, key_id)))


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=documented(409))
async def revoke_key(key: Administrator, parts: With, key_id: Reference) -> Response:
    """Ends it, here at once and elsewhere within a minute."""
    revoked = await parts.stored(lambda store: store.keys.revoke(key.organisation, key.site_id, key_id, now_ms()))
    await parts.keyring.forget(revoked.fingerprint)
    return Response(status_code=204)


@router.post("/{key_id}/rotate", status_code=201, summary="Replace a key", responses=documented(409))
async def rotate_key(key: Administrator, parts: With, key_id: Reference, rotation: Rotation | None = None) -> ShownKey:
    """Makes a key like this one. Both are valid until the old one ends, after `overlap_hours` (a week)."""
    overlap_ms = int((rotation or Rotation()).overlap_hours * HOUR_MS)

    def rotate(store: Store) -> tuple[Made, ApiKey]:
        made = store.keys.rotate(key.organisation, key.site_id, key_id, parts.secret, now_ms(), overlap_ms)
        return made, store.keys.get(key.organisation, key.site_id, key_id)

    made, old = await parts.stored(rotate)
    await parts.keyring.forget(old.fingerprint)
    return shown(made)


def told(key: ApiKey) -> KeyRecord:
    """A key as it is answered."""
    return KeyRecord(
        id=key.id,
        site_id=key.site,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        origins=key.origins,
        public=key.is_public,
        created=key.created,
        expires=key.expires,
        revoked=key.revoked,
        last_used=key.last_used,
    )


def shown(made: Made) -> ShownKey:
    """A new key as it is answered, with the key itself."""
    return ShownKey(**told(made.stored).model_dump(), key=made.presented)


def _site_of(store: Store, key: Key, wanted: KeyRequest) -> str | None:
    """The site that a new key is for; raises NotFound for one that is not the asking key's, BadParameter if it needs one."""
    named = wanted.site_id or key.site_id
    if named is not None:
        return store.sites.get(key.organisation, own_site(key, named)).id
    if not wanted.writes():
        return None
    only = store.sites.list(key.organisation, 2)
    if len(only) != 1:
        raise BadParameter("site_id", "is required: a key that writes events belongs to one site")
    return only[0].id
