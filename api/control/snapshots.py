"""Retention of sites as it was in the night. Nobody makes what somebody else is about to make."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import JSON, ForeignKey, String, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from api.control.database import Database
from api.control.model import Base, Site
from pulse.errors import Conflict


class RetentionSnapshot(Base):
    """The retention of a site's units by weeks: when the weeks began, and what was found."""

    __tablename__ = "retention_snapshots"

    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(16), primary_key=True)
    due: Mapped[int]
    """The night for which it was made last."""
    taken_until: Mapped[int]
    """Until when somebody is about to make the next."""
    made: Mapped[int]
    begins: Mapped[list[int]] = mapped_column(JSON)
    cells: Mapped[list[tuple[int, int, int]]] = mapped_column(JSON)
    mark: Mapped[str] = mapped_column(String(200))


class Zoned(NamedTuple):
    """A site and its time zone."""

    id: str
    timezone: str


NOTHING: Mapping[str, Any] = {"due": 0, "taken_until": 0, "made": 0, "begins": [], "cells": [], "mark": ""}


class Snapshots:
    """The snapshots of all sites. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sites(self) -> list[Zoned]:
        """The sites of which there are to be some."""
        wanted = select(Site.id, Site.timezone).where(Site.archived.is_(None)).order_by(Site.id)
        with self._database.read() as session:
            return [Zoned(*each) for each in session.execute(wanted).all()]

    def get(self, site: str, unit: str) -> RetentionSnapshot | None:
        """The last of a site's units, if one was made."""
        with self._database.read() as session:
            found = session.get(RetentionSnapshot, (site, unit))
        return found if found is not None and found.made else None

    def take(self, site: str, unit: str, due: int, now: int, lease_ms: int) -> bool:
        """Whether the snapshot of a night is ours to make, for so long; nobody else gets it meanwhile."""
        free = update(RetentionSnapshot).where(
            RetentionSnapshot.site == site,
            RetentionSnapshot.unit == unit,
            RetentionSnapshot.due < due,
            RetentionSnapshot.taken_until <= now,
        )
        self._begin(site, unit)
        with self._database.write() as session:
            return session.connection().execute(free.values(taken_until=now + lease_ms)).rowcount == 1

    def renew(self, site: str, unit: str, now: int, lease_ms: int) -> None:
        """Keep for so long from now what is ours to make."""
        self._change(site, unit, {"taken_until": now + lease_ms})

    def keep(self, site: str, unit: str, due: int, values: Mapping[str, Any]) -> None:
        """Note what was made for a night."""
        self._change(site, unit, {"due": due, "taken_until": 0, **values})

    def release(self, site: str, unit: str) -> None:
        """Leave it to whoever comes next."""
        self._change(site, unit, {"taken_until": 0})

    def _begin(self, site: str, unit: str) -> None:
        """Have a row of a site's units; that another makes it, or that the site has just gone, is as well."""
        with self._database.read() as session:
            if session.get(RetentionSnapshot, (site, unit)) is not None:
                return
        try:
            with self._database.write() as session:
                session.execute(insert(RetentionSnapshot).values(site=site, unit=unit, **NOTHING))
        except Conflict:
            return

    def _change(self, site: str, unit: str, values: Mapping[str, Any]) -> None:
        own = update(RetentionSnapshot).where(RetentionSnapshot.site == site, RetentionSnapshot.unit == unit)
        with self._database.write() as session:
            session.execute(own.values(**values))
