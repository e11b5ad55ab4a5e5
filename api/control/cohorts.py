"""Cohorts, as they are stored."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.model import CohortRecord, Site
from pulse.errors import Conflict, NotFound

CHANGEABLE = frozenset({"name", "definition"})
MOST_OF_A_SITE = 1_000


class Cohorts:
    """The cohorts of all organisations; every question names whose. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, organisation: str, site: str | None, limit: int, after: str = "") -> Sequence[CohortRecord]:
        """At most `limit` cohorts, by id, beyond the id `after`; of one site only, if given."""
        wanted = _of(organisation, site).where(CohortRecord.id > after).order_by(CohortRecord.id).limit(limit)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site: str | None, cohort_id: str) -> CohortRecord:
        """A cohort; one of the site, if a site is given."""
        with self._database.read() as session:
            return _found(session, organisation, site, cohort_id)

    def of_site(self, site: str, ids: Sequence[str]) -> Sequence[CohortRecord]:
        """Those of a site among some ids."""
        wanted = select(CohortRecord).where(CohortRecord.site == site, CohortRecord.id.in_(ids))
        with self._database.read() as session:
            return session.scalars(wanted.where(CohortRecord.archived.is_(None))).all()

    def create(self, organisation: str, site: str, values: Mapping[str, Any], of: str, now: int) -> CohortRecord:
        """A new cohort of a site that exists; raises Conflict if the site has too many."""
        with self._database.write() as session:
            ids = session.scalars(
                _of(organisation, site).with_only_columns(CohortRecord.id).limit(MOST_OF_A_SITE)
            ).all()
            if len(ids) >= MOST_OF_A_SITE:
                raise Conflict(f"the site {site!r} has {MOST_OF_A_SITE:,} cohorts already: remove one first")
            made = CohortRecord(
                id=f"cohort_{uuid4().hex[:16]}",
                organisation=organisation,
                site=site,
                of=of,
                created=now,
                changed=now,
                **_changeable(values),
            )
            session.add(made)
        return made

    def change(
        self, organisation: str, site: str | None, cohort_id: str, values: Mapping[str, Any], now: int
    ) -> CohortRecord:
        """A cohort with some of its values set anew."""
        with self._database.write() as session:
            cohort = _found(session, organisation, site, cohort_id)
            for name, value in _changeable(values).items():
                setattr(cohort, name, value)
            cohort.changed = now
        return cohort

    def archive(self, organisation: str, site: str | None, cohort_id: str, now: int) -> CohortRecord:
        """Remove a cohort: questions can no longer name it."""
        with self._database.write() as session:
            cohort = _found(session, organisation, site, cohort_id)
            cohort.archived = now
        return cohort

    def every(self) -> Sequence[CohortRecord]:
        """All cohorts of all organisations, removed ones too."""
        with self._database.read() as session:
            return session.scalars(select(CohortRecord).order_by(CohortRecord.id)).all()

    def public(self, cohort_id: str) -> dict[str, Any] | None:
        """A cohort as `pulse.config` carries it, None if there is none."""
        with self._database.read() as session:
            cohort = session.get(CohortRecord, cohort_id)
            return None if cohort is None else cohort.public()


def _of(organisation: str, site: str | None) -> Select[CohortRecord]:
    wanted = select(CohortRecord).join(Site, Site.id == CohortRecord.site)
    wanted = wanted.where(
        CohortRecord.organisation == organisation, CohortRecord.archived.is_(None), Site.archived.is_(None)
    )
    return wanted if site is None else wanted.where(CohortRecord.site == site)


def _found(session: Session, organisation: str, site: str | None, cohort_id: str) -> CohortRecord:
    cohort = session.scalar(_of(organisation, site).where(CohortRecord.id == cohort_id))
    if cohort is None:
        raise NotFound(f"there is no cohort {cohort_id!r}")
    return cohort


def _changeable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in CHANGEABLE}
