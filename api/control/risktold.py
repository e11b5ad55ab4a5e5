"""Sessions of a high risk: which sites are told of them, and how far they were."""

from typing import NamedTuple

from sqlalchemy import ForeignKey, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from api.control.database import Database
from api.control.model import Base, Site
from api.control.outgoing import Endpoint
from pulse.risk.notice import is_asked


class RiskTold(Base):
    """Up to which moment of receipt a site's events were looked at."""

    __tablename__ = "risk_told"

    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    told: Mapped[int]
    began: Mapped[int]
    """When it was first asked for: what was received before is not told."""


class Wanted(NamedTuple):
    """A site whose endpoints ask for it; `told` is None where that is new."""

    site: str
    told: int | None
    began: int = 0


class RisksTold:
    """What the delivery process asks of the database. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wanted(self) -> list[Wanted]:
        """All sites that are asked for; one that is so no longer is forgotten, so that it begins anew."""
        endpoints = select(Endpoint.site, Endpoint.kinds).join(Site, Site.id == Endpoint.site)
        with self._database.read() as session:
            asked = session.execute(endpoints.where(Endpoint.enabled, Site.archived.is_(None))).all()
            known = {each.site: each for each in session.scalars(select(RiskTold)).all()}
        sites = {site for site, kinds in asked if is_asked(kinds)}
        if gone := known.keys() - sites:
            with self._database.write() as session:
                session.execute(delete(RiskTold).where(RiskTold.site.in_(gone)))
        return [
            Wanted(site, known[site].told, known[site].began) if site in known else Wanted(site, None)
            for site in sorted(sites)
        ]

    def begin(self, site: str, now: int) -> None:
        """Note that what was before a moment is not told; raises Conflict if that is noted, or the site gone."""
        with self._database.write() as session:
            session.execute(insert(RiskTold).values(site=site, told=now, began=now))

    def told(self, site: str, reached: int) -> None:
        """Note how far all is told."""
        with self._database.write() as session:
            session.execute(update(RiskTold).where(RiskTold.site == site, RiskTold.told < reached).values(told=reached))
