"""Sites and the organisations that own them, as they are stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.model import Organisation, Site
from pulse.errors import Conflict, NotFound

CHANGEABLE = frozenset({"name", "timezone", "settings", "mode"})


class Sites:
    """The sites of all organisations; every question names whose. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_organisation(self, organisation: str, name: str, now: int) -> None:
        """Make an organisation unless there is one of this id."""
        with self._database.write() as session:
            if session.get(Organisation, organisation) is None:
                session.add(Organisation(id=organisation, name=name, created=now))

    def list(self, organisation: str, limit: int, after: str = "", only: str | None = None) -> Sequence[Site]:
        """At most `limit` sites that are not archived, by id, beyond the id `after`; of them only the site `only` if given."""
        wanted = _of(organisation).where(Site.id > after).order_by(Site.id).limit(limit)
        if only is not None:
            wanted = wanted.where(Site.id == only)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site_id: str) -> Site:
        """A site that is not archived. Every question asks for one: by a statement that is made once."""
        found = self._database.row(_ONE, {"organisation": organisation, "id": site_id})
        if found is None:
            raise NotFound(f"there is no site {site_id!r}")
        return Site(**found)

    def organisation_of(self, site_id: str) -> str:
        """Whose a site is that is not archived; for who was let in by name of the site alone. Raises NotFound."""
        with self._database.read() as session:
            site = session.get(Site, site_id)
            if site is None or site.archived is not None:
                raise NotFound(f"there is no site {site_id!r}")
            return site.organisation

    def create(self, organisation: str, site_id: str, values: Mapping[str, Any], now: int) -> Site:
        """A new site; raises Conflict if its id is taken, be it by another organisation or an archived site."""
        made = Site(id=site_id, organisation=organisation, created=now, **_changeable(values))
        try:
            with self._database.write() as session:
                session.add(made)
        except Conflict:
            raise Conflict(f"there is a site {site_id!r} already, or there was one: choose another id") from None
        return made

    def change(self, organisation: str, site_id: str, values: Mapping[str, Any]) -> Site:
        """A site with some of its values set anew."""
        with self._database.write() as session:
            site = _found(session, organisation, site_id)
            for name, value in _changeable(values).items():
                setattr(site, name, value)
        return site

    def archive(self, organisation: str, site_id: str, now: int) -> Site:
        """Take a site out of use: its events stay, its keys are valid no longer."""
        with self._database.write() as session:
            site = _found(session, organisation, site_id)
            site.archived = now
        return site

    def every(self) -> Sequence[Site]:
        """All sites of all organisations, archived ones too."""
        with self._database.read() as session:
            return session.scalars(select(Site).order_by(Site.id)).all()

    def public(self, site_id: str) -> dict[str, Any] | None:
        """A site as `pulse.config` carries it, None if there is none."""
        with self._database.read() as session:
            site = session.get(Site, site_id)
            return None if site is None else site.public()


_ONE = select(*Site.__table__.columns).where(
    Site.organisation == bindparam("organisation"), Site.archived.is_(None), Site.id == bindparam("id")
)


def await_turn(session: Session, site_id: str) -> None:
    """Wait for whoever else notes something of a site, so that what is noted lies in an order; others wait for this transaction."""
    session.execute(select(Site.id).where(Site.id == site_id).with_for_update(key_share=True))


def _of(organisation: str) -> Select[Site]:
    return select(Site).where(Site.organisation == organisation, Site.archived.is_(None))


def _found(session: Session, organisation: str, site_id: str) -> Site:
    site = session.scalar(_of(organisation).where(Site.id == site_id))
    if site is None:
        raise NotFound(f"there is no site {site_id!r}")
    return site


def _changeable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in CHANGEABLE}
