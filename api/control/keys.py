"""Keys as they are stored: made, found by what is presented, rotated, revoked."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from api.control import credential
from api.control.database import Database
from api.control.keycache import Known
from api.control.model import ApiKey, Site
from pulse.errors import NotFound
from pulse.mode import STANDARD, Mode

USE_NOTED_MS = 60_000
"""The use of a key is noted at most once in this time."""


@dataclass(frozen=True)
class NewKey:
    """What a key is to be. `site` None means all sites of the organisation; `expires` is in ms since the epoch."""

    organisation: str
    site: str | None
    name: str
    scopes: tuple[str, ...]
    origins: tuple[str, ...] = ()
    public: bool = False
    expires: int | None = None


@dataclass(frozen=True)
class Made:
    """A key that was just made: the only moment at which it can be seen (`presented`)."""

    stored: ApiKey
    presented: str = field(repr=False)


class Keys:
    """The keys of all organisations; every question names whose. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, organisation: str, site: str | None, limit: int, after: str = "") -> Sequence[ApiKey]:
        """At most `limit` keys, revoked ones too, by id, beyond the id `after`; of one site only, if given."""
        wanted = _of(organisation, site).where(ApiKey.id > after).order_by(ApiKey.id).limit(limit)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site: str | None, key_id: str) -> ApiKey:
        """A key, valid or not; one of the site, if a site is given."""
        with self._database.read() as session:
            return _found(session, organisation, site, key_id)

    def create(self, wanted: NewKey, secret: bytes, now: int, presented: str | None = None) -> Made:
        """Make a key, or store again the one that is `presented`; raises Conflict if its site does not exist."""
        key = presented or credential.make(wanted.public)
        stored = _row(wanted, key, secret, now)
        with self._database.write() as session:
            session.add(stored)
        return Made(stored, key)

    def revoke(self, organisation: str, site: str | None, key_id: str, now: int) -> ApiKey:
        """End a key now; revoking it again changes nothing."""
        with self._database.write() as session:
            key = _found(session, organisation, site, key_id)
            key.revoked = now if key.revoked is None else min(key.revoked, now)
        return key

    def rotate(
        self, organisation: str, site: str | None, key_id: str, secret: bytes, now: int, overlap_ms: int
    ) -> Made:
        """Make a key like this one, which itself ends after `overlap_ms`: until then both are valid.

        Raises NotFound if the key has ended already.
        """
        with self._database.write() as session:
            old = _found(session, organisation, site, key_id)
            if _has_ended(old, now):
                raise NotFound(f"the key {key_id!r} is no longer valid")
            made = _successor(old, secret, now)
            session.add(made.stored)
            old.expires = min(now + overlap_ms, old.expires or now + overlap_ms)
        return made

    def verified(self, fingerprint: str, presented: str, now: int, until: int) -> Known | None:
        """The key that is presented, if it is valid now, as it may be believed up to `until` at most. Slow on purpose."""
        with self._database.read() as session:
            found = session.execute(_valid().add_columns(Site.mode).where(ApiKey.fingerprint == fingerprint)).first()
        key, mode = found or (None, None)
        if key is None or _has_ended(key, now) or not hmac.compare_digest(key.fingerprint, fingerprint):
            return None
        if not credential.verify(presented, key.hashed):
            return None
        end = key.ends()
        return _known(key, cast(Mode, mode or STANDARD), until if end is None else min(until, end))

    def has(self, fingerprint: str) -> bool:
        """Whether a key of this fingerprint is stored, valid or not."""
        with self._database.read() as session:
            return session.scalar(select(ApiKey.id).where(ApiKey.fingerprint == fingerprint)) is not None

    def touch(self, key_id: str, now: int) -> None:
        """Note that a key is used, if that was not noted within the last minute."""
        long_ago = or_(ApiKey.last_used.is_(None), ApiKey.last_used <= now - USE_NOTED_MS)
        with self._database.write() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key_id, long_ago).values(last_used=now))

    def fingerprints(self, site: str) -> Sequence[str]:
        """The fingerprints of a site's keys."""
        with self._database.read() as session:
            return session.scalars(select(ApiKey.fingerprint).where(ApiKey.site == site)).all()

    def every(self) -> Sequence[ApiKey]:
        """All keys of all organisations."""
        with self._database.read() as session:
            return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()

    def public(self, key_id: str) -> dict[str, Any] | None:
        """A key as `pulse.config` carries it, None if there is none."""
        with self._database.read() as session:
            key = session.get(ApiKey, key_id)
            return None if key is None else key.public()


def _of(organisation: str, site: str | None) -> Select[ApiKey]:
    wanted = select(ApiKey).where(ApiKey.organisation == organisation)
    return wanted if site is None else wanted.where(ApiKey.site == site)


def _valid() -> Select[ApiKey]:
    in_use = or_(ApiKey.site.is_(None), Site.archived.is_(None))
    return select(ApiKey).outerjoin(Site, Site.id == ApiKey.site).where(in_use)


def _found(session: Session, organisation: str, site: str | None, key_id: str) -> ApiKey:
    key = session.scalar(_of(organisation, site).where(ApiKey.id == key_id))
    if key is None:
        raise NotFound(f"there is no key {key_id!r}")
    return key


def _has_ended(key: ApiKey, now: int) -> bool:
    end = key.ends()
    return end is not None and end <= now


def _row(wanted: NewKey, key: str, secret: bytes, now: int) -> ApiKey:
    return ApiKey(
        id=f"key_{uuid4().hex[:16]}",
        organisation=wanted.organisation,
        site=wanted.site,
        name=wanted.name,
        prefix=credential.shown(key),
        fingerprint=credential.fingerprint(secret, key),
        hashed=credential.slow_hash(key),
        scopes=sorted(set(wanted.scopes)),
        origins=list(wanted.origins),
        is_public=wanted.public,
        created=now,
        expires=wanted.expires,
    )


def _successor(old: ApiKey, secret: bytes, now: int) -> Made:
    wanted = NewKey(
        old.organisation, old.site, old.name, tuple(old.scopes), tuple(old.origins), old.is_public, old.expires
    )
    key = credential.make(old.is_public)
    return Made(_row(wanted, key, secret, now), key)


def _known(key: ApiKey, mode: Mode, until: int) -> Known:
    return Known(
        id=key.id,
        organisation=key.organisation,
        site_id=key.site,
        scopes=key.scopes,
        origins=key.origins,
        public=key.is_public,
        mode=mode,
        until=until,
        ends=key.ends(),
    )
