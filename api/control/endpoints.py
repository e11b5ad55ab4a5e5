"""Endpoints as they are stored: made, changed, given another secret, disabled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.outgoing import DEAD, PENDING, Delivery, Endpoint
from api.control.seal import Seal
from pulse.errors import Conflict, NotFound
from pulse.outbound.signing import make_secret
from pulse.risk.notice import is_asked

BY_HAND = "by hand"
MOST = 100
"""Endpoints of a site: each notice is written once for every one of them."""
PLAIN = frozenset({"name", "url", "kinds", "template", "unmasked"})
"""What may be changed and is kept as it is."""


@dataclass(frozen=True)
class NewEndpoint:
    """What an endpoint is to be; a secret is made if none is given."""

    organisation: str
    site: str
    name: str
    url: str
    kinds: Sequence[str]
    template: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    enabled: bool = True
    secret: str | None = field(default=None, repr=False)
    unmasked: bool = False


@dataclass(frozen=True)
class Shown:
    """An endpoint with the secret that was just made: the only moment at which it can be seen."""

    stored: Endpoint
    secret: str = field(repr=False)


class Endpoints:
    """The endpoints of all organisations; every question names whose. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, organisation: str, site: str | None, limit: int, after: str = "") -> Sequence[Endpoint]:
        """At most `limit` endpoints by id, beyond the id `after`; of one site only, if given."""
        wanted = _of(organisation, site).where(Endpoint.id > after).order_by(Endpoint.id).limit(limit)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site: str | None, endpoint_id: str) -> Endpoint:
        """An endpoint; one of the site, if a site is given."""
        with self._database.read() as session:
            return found(session, organisation, site, endpoint_id)

    def create(self, wanted: NewEndpoint, seal: Seal, now: int) -> Shown:
        """Make an endpoint; raises Conflict if its site has as many as it may."""
        secret = wanted.secret or make_secret()
        stored = _row(wanted, secret, seal, now)
        with self._database.write() as session:
            _demand_room(session, wanted.site)
            session.add(stored)
        return Shown(stored, secret)

    def change(
        self, organisation: str, site: str | None, endpoint_id: str, values: Mapping[str, Any], seal: Seal, now: int
    ) -> Endpoint:
        """An endpoint with some of its values set anew: those of `PLAIN`, `headers` and `enabled`."""
        with self._database.write() as session:
            endpoint = found(session, organisation, site, endpoint_id)
            asked = endpoint.enabled and is_asked(endpoint.kinds)
            for name in PLAIN & values.keys():
                setattr(endpoint, name, values[name])
            if "headers" in values:
                endpoint.headers = seal.close(json.dumps(values["headers"]))
            if values.get("enabled") is True:
                enable(endpoint)
            if values.get("enabled") is False and endpoint.enabled:
                disable(session, endpoint.id, BY_HAND, now)
                session.refresh(endpoint)
            if not asked and is_asked(endpoint.kinds):
                endpoint.risks_since = now
        return endpoint

    def rotate(
        self,
        organisation: str,
        site: str | None,
        endpoint_id: str,
        seal: Seal,
        now: int,
        overlap_ms: int,
        secret: str | None = None,
    ) -> Shown:
        """Give an endpoint another secret; the old one signs too until `overlap_ms` have passed."""
        made = secret or make_secret()
        with self._database.write() as session:
            endpoint = found(session, organisation, site, endpoint_id)
            endpoint.previous, endpoint.previous_until = endpoint.secret, now + overlap_ms
            endpoint.secret = seal.close(made)
        return Shown(endpoint, made)

    def delete(self, organisation: str, site: str | None, endpoint_id: str) -> None:
        """Remove an endpoint with all that was recorded of it."""
        with self._database.write() as session:
            session.delete(found(session, organisation, site, endpoint_id))


def found(session: Session, organisation: str, site: str | None, endpoint_id: str) -> Endpoint:
    """An endpoint of an organisation, or of its site; raises NotFound."""
    endpoint = session.scalar(_of(organisation, site).where(Endpoint.id == endpoint_id))
    if endpoint is None:
        raise NotFound(f"there is no webhook {endpoint_id!r}")
    return endpoint


def secrets(endpoint: Endpoint, seal: Seal, now: int) -> list[str]:
    """The secrets that sign now, the newest first; raises SettingError if they cannot be read."""
    valid = [endpoint.secret]
    if endpoint.previous is not None and (endpoint.previous_until or 0) > now:
        valid.append(endpoint.previous)
    return [seal.open(each) for each in valid]


def headers(endpoint: Endpoint, seal: Seal) -> dict[str, str]:
    """The headers that an endpoint wants; raises SettingError if they cannot be read."""
    kept: dict[str, str] = json.loads(seal.open(endpoint.headers))
    return kept


def enable(endpoint: Endpoint) -> None:
    """Take an endpoint into use again, as if nothing had been wrong with it."""
    endpoint.enabled, endpoint.untold = True, False
    endpoint.disabled = endpoint.disabled_why = endpoint.failing_since = None
    endpoint.failures = endpoint.blocked_until = 0


def disable(session: Session, endpoint_id: str, why: str, now: int) -> None:
    """Take an endpoint out of use: what waits for it is dead, and may be redelivered once it is enabled again.

    The reason for which it was disabled first stands.
    """
    session.flush()
    values = {"enabled": False, "disabled": now, "disabled_why": why, "untold": why != BY_HAND}
    session.execute(update(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.enabled).values(**values))
    waiting = update(Delivery).where(Delivery.endpoint == endpoint_id, Delivery.state == PENDING)
    ended = {"state": DEAD, "finished": now, "untold": True, "taken_by": None}
    session.execute(waiting.values(**ended, error=f"the endpoint was disabled: {why}"))


def _demand_room(session: Session, site: str) -> None:
    number = session.scalar(select(func.count()).where(Endpoint.site == site)) or 0
    if number >= MOST:
        raise Conflict(f"the site {site!r} has {number} webhooks, and may have {MOST}: remove one that is not needed")


def _of(organisation: str, site: str | None) -> Select[Endpoint]:
    wanted = select(Endpoint).where(Endpoint.organisation == organisation)
    return wanted if site is None else wanted.where(Endpoint.site == site)


def _row(wanted: NewEndpoint, secret: str, seal: Seal, now: int) -> Endpoint:
    return Endpoint(
        id=f"whk_{uuid4().hex[:16]}",
        organisation=wanted.organisation,
        site=wanted.site,
        name=wanted.name,
        url=wanted.url,
        kinds=list(wanted.kinds),
        template=wanted.template,
        headers=seal.close(json.dumps(dict(wanted.headers))),
        secret=seal.close(secret),
        unmasked=wanted.unmasked,
        enabled=wanted.enabled,
        disabled=None if wanted.enabled else now,
        disabled_why=None if wanted.enabled else BY_HAND,
        failures=0,
        blocked_until=0,
        untold=False,
        created=now,
    )
