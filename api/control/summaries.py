"""Summaries of sites: who is to be told which, and how far they were. Nobody tells what somebody else is about to tell."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ForeignKey, String, Update, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.control.database import Database
from api.control.model import Base, Site
from api.control.outgoing import Endpoint
from pulse.digest.notice import PREFIX
from pulse.digest.period import KINDS, Kind

FAMILY = PREFIX.rstrip(".")


class Told(Base):
    """Up to which moment summaries of a site and a kind of period were told."""

    __tablename__ = "summaries"

    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[str] = mapped_column(String(16), primary_key=True)
    told: Mapped[int]
    """The end of the last period that was told, or that was over when the first was asked for."""
    taken_until: Mapped[int]
    """Until when somebody is about to tell the next."""


class Wanted(NamedTuple):
    """A kind of summaries that endpoints of a site ask for; `told` is None where it is new."""

    site: str
    timezone: str
    kind: Kind
    told: int | None
    taken_until: int


class Summaries:
    """What the delivery process asks of the database. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wanted(self) -> list[Wanted]:
        """All that is asked for; what is asked for no longer is forgotten, so that it begins anew."""
        endpoints = select(Endpoint.site, Site.timezone, Endpoint.kinds).join(Site, Site.id == Endpoint.site)
        with self._database.read() as session:
            asked = session.execute(endpoints.where(Endpoint.enabled, Site.archived.is_(None))).all()
            known = {(each.site, each.period): each for each in session.scalars(select(Told)).all()}
        zones = {(site, kind): zone for site, zone, kinds in asked for kind in KINDS if _names(kinds, kind)}
        if gone := known.keys() - zones.keys():
            self._forget(gone)
        return [_wanted(known.get(key), zone, *key) for key, zone in sorted(zones.items())]

    def begin(self, site: str, kind: Kind, end: int) -> None:
        """Note that what ended before a moment is not told; raises Conflict if that is noted, or the site gone."""
        with self._database.write() as session:
            session.execute(insert(Told).values(site=site, period=kind, told=end, taken_until=0))

    def take(self, site: str, kind: Kind, end: int, now: int, lease_ms: int) -> bool:
        """Whether the period that ended at a moment is ours to tell, for so long; nobody else gets it meanwhile."""
        free = update(Told).where(Told.site == site, Told.period == kind, Told.told < end, Told.taken_until <= now)
        with self._database.write() as session:
            return _changed(session, free.values(taken_until=now + lease_ms)) == 1

    def told(self, site: str, kind: Kind, end: int) -> None:
        """Note that the log has it."""
        ours = update(Told).where(Told.site == site, Told.period == kind, Told.told < end)
        with self._database.write() as session:
            _changed(session, ours.values(told=end, taken_until=0))

    def release(self, site: str, kind: Kind) -> None:
        """Leave it to whoever comes next."""
        with self._database.write() as session:
            _changed(session, update(Told).where(Told.site == site, Told.period == kind).values(taken_until=0))

    def _forget(self, keys: Iterable[tuple[str, str]]) -> None:
        with self._database.write() as session:
            for site, kind in keys:
                session.execute(delete(Told).where(Told.site == site, Told.period == kind))


def _names(kinds: Sequence[str], kind: Kind) -> bool:
    return FAMILY in kinds or PREFIX + kind in kinds


def _wanted(known: Told | None, zone: str, site: str, kind: Kind) -> Wanted:
    return Wanted(site, zone, kind, None if known is None else known.told, 0 if known is None else known.taken_until)


def _changed(session: Session, statement: Update) -> int:
    return session.connection().execute(statement).rowcount
