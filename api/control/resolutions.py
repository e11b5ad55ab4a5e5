"""What was said of faults of pages, by which key: resolved, or open again. Lines are added and never changed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import ForeignKey, Index, String, and_, func, select
from sqlalchemy.orm import Mapped, mapped_column

from api.control.database import Database
from api.control.model import Base
from api.control.sites import await_turn
from pulse.errors import Conflict, QueryError

MOST = 10_000
"""Lines of one site."""


class Resolution(Base):
    """That a fault is resolved, in a release if one is named, or that it is open again."""

    __tablename__ = "fault_resolutions"
    __table_args__ = (Index(None, "site", "at", unique=True), Index(None, "site", "fingerprint", "at"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    fingerprint: Mapped[str] = mapped_column(String(16))
    resolved: Mapped[bool]
    release: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(1000))
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]


class Said(NamedTuple):
    """What is to be said of a fault; `key` is the id of the key that says it."""

    site: str
    fingerprint: str
    resolved: bool
    release: str
    reason: str
    key: str


class Resolutions:
    """The lines of all sites; every question names whose. Raises Unavailable, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, said: Said, now: int) -> Resolution:
        """Note one, later than all others of its site; raises Conflict if the fault is to be opened that is not resolved.

        What was said already in the same millisecond stays as it was noted.
        """
        of_site = select(Resolution).where(Resolution.site == said.site)
        own = of_site.where(Resolution.fingerprint == said.fingerprint).order_by(Resolution.at.desc()).limit(1)
        whole = select(func.max(Resolution.at), func.count()).where(Resolution.site == said.site)
        with self._database.write() as session:
            await_turn(session, said.site)
            last = session.scalars(own).first()
            if last is not None and last.at >= now and _is_said(last, said):
                return last
            if not said.resolved and (last is None or not last.resolved):
                raise Conflict(f"the fault {said.fingerprint} is not resolved")
            latest, count = session.execute(whole).one()
            if count >= MOST:
                raise QueryError(f"site_id: of the faults of the site {said.site!r} {MOST:,} things were said already")
            made = Resolution(id=f"resolution_{uuid4().hex[:16]}", at=max(now, (latest or 0) + 1), **said._asdict())
            session.add(made)
        return made

    def list(self, site: str, limit: int, before: int) -> Sequence[Resolution]:
        """At most so many of a site from before a moment, the latest first."""
        wanted = select(Resolution).where(Resolution.site == site, Resolution.at < before)
        with self._database.read() as session:
            return session.scalars(wanted.order_by(Resolution.at.desc()).limit(limit)).all()

    def resolved(self, site: str) -> Sequence[Resolution]:
        """Of each fault that is resolved what was said last."""
        last = select(Resolution.fingerprint, func.max(Resolution.at).label("at")).where(Resolution.site == site)
        latest = last.group_by(Resolution.fingerprint).subquery()
        same = and_(Resolution.fingerprint == latest.c.fingerprint, Resolution.at == latest.c.at)
        wanted = select(Resolution).join(latest, same).where(Resolution.site == site, Resolution.resolved)
        with self._database.read() as session:
            return session.scalars(wanted).all()


def _is_said(noted: Resolution, said: Said) -> bool:
    return all(getattr(noted, name) == value for name, value in said._asdict().items())
