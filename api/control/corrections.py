"""What was decided about who is behind a visitor, by whom and why: lines are added and never changed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from api.control.database import Database
from api.control.model import Base
from api.control.sites import await_turn
from pulse.errors import Conflict


class Correction(Base):
    """That events naming a person (any, if empty) behind a visitor do not count, or count again."""

    __tablename__ = "identity_corrections"
    __table_args__ = (Index(None, "site", "at", unique=True),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    visitor: Mapped[str] = mapped_column(String(200))
    person: Mapped[str] = mapped_column(String(200))
    unlinked: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(1000))
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]


class Wanted(NamedTuple):
    """A correction as it is asked for; `key` is the id of the key that asks."""

    site: str
    visitor: str
    person: str
    unlinked: bool
    reason: str
    key: str


class Corrections:
    """The corrections of all sites; every question names whose. Raises Unavailable, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, wanted: Wanted, now: int) -> Correction:
        """Note one, later than all others of its site; raises Conflict where there is nothing to restore.

        What is restored already stays as it was noted, so that it can be said to the store again after a failure.
        """
        of_site = select(Correction).where(Correction.site == wanted.site)
        same = of_site.where(Correction.visitor == wanted.visitor, Correction.person == wanted.person)
        with self._database.write() as session:
            await_turn(session, wanted.site)
            last = session.scalars(same.order_by(Correction.at.desc()).limit(1)).first()
            if not wanted.unlinked and last is None:
                raise Conflict("there is nothing to restore: the two were not unlinked")
            if not wanted.unlinked and last is not None and not last.unlinked:
                return last
            latest = session.scalar(select(func.max(Correction.at)).where(Correction.site == wanted.site)) or 0
            made = Correction(id=f"correction_{uuid4().hex[:16]}", at=max(now, latest + 1), **wanted._asdict())
            session.add(made)
        return made

    def list(self, site: str, limit: int, before: int) -> Sequence[Correction]:
        """At most so many of a site from before a moment, the latest first."""
        wanted = select(Correction).where(Correction.site == site, Correction.at < before)
        with self._database.read() as session:
            return session.scalars(wanted.order_by(Correction.at.desc()).limit(limit)).all()
