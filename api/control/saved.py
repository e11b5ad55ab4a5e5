"""What is saved of a site beside its cohorts and rules: funnels, queries, annotations."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import uuid4

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.model import Annotation, SavedFunnel, SavedQuery, Site
from pulse.errors import NotFound, QueryError

Kind = TypeVar("Kind", SavedFunnel, SavedQuery, Annotation)


class Saved(Generic[Kind]):
    """Records of one kind of all organisations; every question names whose. A site has `most` at most.

    Raises Unavailable, NotFound, Conflict.
    """

    def __init__(self, database: Database, kind: type[Kind], word: str, most: int) -> None:
        self._database = database
        self._kind: type[Kind] = kind
        self._word = word
        self._most = most

    def list(self, organisation: str, site: str | None, limit: int, after: str = "") -> Sequence[Kind]:
        """At most `limit`, by id, beyond the id `after`; of one site only, if given."""
        wanted = self._of(organisation, site).where(self._kind.id > after).order_by(self._kind.id).limit(limit)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site: str | None, record_id: str) -> Kind:
        """One; of the site, if a site is given."""
        with self._database.read() as session:
            return self._found(session, organisation, site, record_id)

    def create(self, organisation: str, site: str, values: Mapping[str, Any], now: int) -> Kind:
        """A new one of a site that exists; raises QueryError if the site has too many."""
        with self._database.write() as session:
            count = select(func.count()).select_from(self._kind).where(self._kind.site == site)
            if (session.scalar(count) or 0) >= self._most:
                raise QueryError(
                    f"site_id: the site {site!r} has {self._most:,} of kind {self._word} already: remove one first"
                )
            made: Kind = self._kind(
                id=f"{self._word}_{uuid4().hex[:16]}",
                organisation=organisation,
                site=site,
                created=now,
                changed=now,
                **values,
            )
            session.add(made)
        return made

    def change(self, organisation: str, site: str | None, record_id: str, values: Mapping[str, Any], now: int) -> Kind:
        """One with some of its values set anew."""
        with self._database.write() as session:
            record = self._found(session, organisation, site, record_id)
            for name, value in values.items():
                setattr(record, name, value)
            record.changed = now
        return record

    def remove(self, organisation: str, site: str | None, record_id: str) -> Kind:
        """Forget one."""
        with self._database.write() as session:
            record = self._found(session, organisation, site, record_id)
            session.delete(record)
        return record

    def every(self) -> Sequence[Kind]:
        """All of all organisations, of sites that are not archived."""
        wanted = select(self._kind).join(Site, Site.id == self._kind.site).where(Site.archived.is_(None))
        with self._database.read() as session:
            return session.scalars(wanted.order_by(self._kind.id)).all()

    def _of(self, organisation: str, site: str | None) -> Select[Kind]:
        wanted = select(self._kind).join(Site, Site.id == self._kind.site)
        wanted = wanted.where(self._kind.organisation == organisation, Site.archived.is_(None))
        return wanted if site is None else wanted.where(self._kind.site == site)

    def _found(self, session: Session, organisation: str, site: str | None, record_id: str) -> Kind:
        record = session.scalar(self._of(organisation, site).where(self._kind.id == record_id))
        if record is None:
            raise NotFound(f"there is no {self._word} {record_id!r}")
        return record


class Annotations(Saved[Annotation]):
    """Annotations, also by their time."""

    def between(self, site: str, start_ms: int, end_ms: int, limit: int) -> Sequence[Annotation]:
        """The latest `limit` of a site that touch a range, by their beginning."""
        touching = or_(Annotation.starts >= start_ms, Annotation.ends > start_ms)
        wanted = select(Annotation).where(Annotation.site == site, Annotation.starts < end_ms, touching)
        with self._database.read() as session:
            found = session.scalars(wanted.order_by(Annotation.starts.desc(), Annotation.id.desc()).limit(limit)).all()
        return found[::-1]
