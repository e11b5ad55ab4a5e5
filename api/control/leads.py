"""Leads as they are stored: who they are sealed, the rest as it is. Times are ms since the epoch."""

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import json
from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.control.database import Database
from api.control.model import Base, Site
from api.control.outgoing import Attempt, Delivery, Endpoint
from api.control.seal import Seal
from pulse.errors import Conflict, NotFound, SettingError
from pulse.leads.notice import LEAD_ID, id_of
from pulse.leads.personal import Personal, same_email
from pulse.leads.status import EVERY, NEW
from pulse.notice import Notice

MARKED = "pulse: whose e-mail a lead's is"
FORGOTTEN = 100
"""Leads that are deleted at a time."""


class Lead(Base):
    """A form that somebody sent to a site; of the site, as two sites may be sent the same id."""

    __tablename__ = "leads"
    __table_args__ = (
        Index(None, "organisation", "received", "id"),
        Index(None, "organisation", "id"),
        Index(None, "site", "received", "id"),
        Index(None, "site", "email_mark", "received"),
        Index(None, "site", "visitor", "received"),
        Index(None, "judged", "received"),
    )

    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    received: Mapped[int]
    changed: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    form: Mapped[str] = mapped_column(String(200))
    page: Mapped[str] = mapped_column(Text)
    session: Mapped[str] = mapped_column(String(200))
    visitor: Mapped[str] = mapped_column(String(200))
    is_linked: Mapped[bool]
    """Whether what the visitor did may be asked for; not where they, or their browser, said no."""
    honeypot: Mapped[bool]
    seconds: Mapped[float | None]
    personal: Mapped[str] = mapped_column(Text)
    """Sealed: who it is and what they wrote."""
    email_mark: Mapped[str] = mapped_column(String(64))
    """By which those of one e-mail address are found; nobody without the server's secret can try addresses on it."""
    suspicion: Mapped[int | None]
    reasons: Mapped[dict[str, Any]] = mapped_column(JSON)
    band: Mapped[str] = mapped_column(String(16))
    judged: Mapped[int | None]


@dataclass(frozen=True)
class NewLead:
    """A lead that has just come. `is_linked` unless the visitor does not want to be followed."""

    id: str
    site: str
    received: int
    form: str
    page: str
    session: str
    visitor: str
    is_linked: bool
    honeypot: bool
    seconds: float | None
    personal: Personal = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """Which leads: received from `since` until before `until`, of a status, a band, a form, a visitor, an e-mail address's mark."""

    since: int | None = None
    until: int | None = None
    status: str | None = None
    band: str | None = None
    form: str | None = None
    visitor: str | None = None
    email_mark: str | None = None
    before: tuple[int, str] | None = None


class Counted(NamedTuple):
    """How many leads of a site are in one status and as suspicious; `latest` is when the last of them was received."""

    site: str
    name: str
    status: str
    band: str
    leads: int
    latest: int


class Leads:
    """The leads of all sites. Raises Unavailable, NotFound."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, lead: NewLead, seal: Seal, secret: bytes) -> bool:
        """Have a lead once, however often it comes; whether it is new.

        Raises NotFound if there is no such site, Conflict if what is kept under its id is something else.
        """
        with self._database.write() as session:
            organisation = session.scalar(select(Site.organisation).where(Site.id == lead.site))
            if organisation is None:
                raise NotFound(f"there is no site {lead.site!r}")
            dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            values = _values(lead, organisation, seal, secret)
            new = dialect.insert(Lead).values(values).on_conflict_do_nothing().returning(Lead.id)
            if session.connection().execute(new).first() is not None:
                return True
            kept = session.get(Lead, (lead.site, lead.id))
            if kept is not None and _is_other(kept, lead, seal):
                raise Conflict(f"another lead has the id {lead.id} already: give each its own")
            return False

    def list(self, organisation: str, site: str | None, wanted: Wanted, limit: int) -> Sequence[Lead]:
        """At most `limit` leads, the newest first, after the one received at `before` under that id."""
        found = _that_are(_of(organisation, site), wanted)
        with self._database.read() as session:
            return session.scalars(found.order_by(Lead.received.desc(), Lead.id.desc()).limit(limit)).all()

    def counted(self, organisation: str, site: str | None, since: int | None, until: int | None) -> Sequence[Counted]:
        """How many there are that were received within a time, by site, status and band."""
        parts = Lead.site, Site.name, Lead.status, Lead.band
        found = _that_are(_of(organisation, site), Wanted(since, until))
        counts = found.with_only_columns(*parts, func.count(), func.max(Lead.received)).group_by(*parts)
        with self._database.read() as session:
            return [Counted(*row) for row in session.execute(counts.order_by(*parts)).all()]

    def get(self, organisation: str, site: str | None, lead_id: str) -> Lead:
        """A lead; one of the site, if a site is given. Raises Conflict where none is and several have one of this id."""
        with self._database.read() as session:
            return _found(session, organisation, site, lead_id)

    def change(
        self, organisation: str, site: str | None, lead_id: str, status: str, now: int, of: Collection[str] = EVERY
    ) -> Lead:
        """A lead with another status, if the one that it has is `of` these."""
        with self._database.write() as session:
            lead = _found(session, organisation, site, lead_id)
            if lead.status in of:
                lead.status, lead.changed = status, now
        return lead

    def delete(self, organisation: str, site: str | None, lead_id: str) -> Lead:
        """Forget a lead, with all that was told of it and what was answered to that."""
        with self._database.write() as session:
            lead = _found(session, organisation, site, lead_id)
            _forget(session, [lead])
        return lead

    def clean(self, before: int) -> int:
        """Forget some leads that were received before a moment; how many."""
        old = select(Lead).where(Lead.received < before).limit(FORGOTTEN)
        with self._database.write() as session:
            leads = session.scalars(old).all()
            _forget(session, leads)
        return len(leads)

    def unjudged(self, limit: int) -> Sequence[tuple[Lead, dict[str, Any]]]:
        """Some leads of which it is not yet said how suspicious they are, the oldest first, with their site's settings."""
        wanted = select(Lead, Site.settings).join(Site, Site.id == Lead.site).where(Lead.judged.is_(None))
        with self._database.read() as session:
            found = session.execute(wanted.order_by(Lead.received).limit(limit)).all()
        return [(lead, settings) for lead, settings in found]

    def alike(self, lead: Lead, since: int) -> int:
        """How many leads of the same visitor or e-mail address came from a moment on up to this one, which is one of them."""
        same = [Lead.id == lead.id]
        same += [Lead.visitor == lead.visitor] if lead.visitor else []
        same += [Lead.email_mark == lead.email_mark] if lead.email_mark else []
        within = Lead.received.between(since, lead.received)
        wanted = select(func.count()).select_from(Lead).where(Lead.site == lead.site, within, or_(*same))
        with self._database.read() as session:
            return session.scalar(wanted) or 1

    def judge(self, lead: Lead, suspicion: int, reasons: dict[str, int], band: str, now: int) -> None:
        """Note how suspicious a lead is."""
        its = update(Lead).where(Lead.site == lead.site, Lead.id == lead.id, Lead.judged.is_(None))
        with self._database.write() as session:
            session.execute(its.values(suspicion=suspicion, reasons=reasons, band=band, judged=now))


def personal_of(lead: Lead, seal: Seal) -> Personal:
    """Who a lead is; raises SettingError if it was sealed under another secret."""
    return opened(lead.personal, seal)


def sealed_of(session: Session, notice: Notice) -> str | None:
    """Who the lead is that a notice tells of, as it is kept; None if it is gone. It stays until the transaction ends."""
    its = Lead.site == notice.site_id, Lead.id == notice.data[LEAD_ID]
    return session.scalar(select(Lead.personal).where(*its).with_for_update(read=True))


def opened(sealed: str, seal: Seal) -> Personal:
    """Who it is, of what is kept; raises SettingError if it was sealed under another secret."""
    return json.decode(seal.open(sealed), type=Personal)


def email_mark(secret: bytes, site: str, email: str) -> str:
    """By which a site's leads of an e-mail address are found; empty for no address."""
    same = same_email(email)
    return hmac.digest(secret, f"{MARKED}\0{site}\0{same}".encode(), "sha256").hex()[:48] if same else ""


def _is_other(kept: Lead, lead: NewLead, seal: Seal) -> bool:
    """Whether somebody else, or something else, was sent under that id; what cannot be read is taken for the same."""
    try:
        return personal_of(kept, seal) != lead.personal
    except SettingError:
        return False


def _values(lead: NewLead, organisation: str, seal: Seal, secret: bytes) -> dict[str, Any]:
    return {
        "site": lead.site,
        "id": lead.id,
        "organisation": organisation,
        "received": lead.received,
        "changed": lead.received,
        "status": NEW,
        "form": lead.form,
        "page": lead.page,
        "session": lead.session,
        "visitor": lead.visitor,
        "is_linked": lead.is_linked,
        "honeypot": lead.honeypot,
        "seconds": lead.seconds,
        "personal": seal.close(json.encode(lead.personal).decode()),
        "email_mark": email_mark(secret, lead.site, lead.personal.email),
        "suspicion": None,
        "reasons": {},
        "band": "",
        "judged": None,
    }


def _that_are(found: Select[Lead], wanted: Wanted) -> Select[Lead]:
    conditions: Sequence[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (wanted.since, lambda value: Lead.received >= value),
        (wanted.until, lambda value: Lead.received < value),
        (wanted.status, lambda value: Lead.status == value),
        (wanted.band, lambda value: Lead.band == value),
        (wanted.form, lambda value: Lead.form == value),
        (wanted.visitor, lambda value: Lead.visitor == value),
        (wanted.email_mark, lambda value: Lead.email_mark == value),
        (wanted.before, lambda at: or_(Lead.received < at[0], and_(Lead.received == at[0], Lead.id < at[1]))),
    ]
    return found.where(*(condition(value) for value, condition in conditions if value is not None))


def _of(organisation: str, site: str | None) -> Select[Lead]:
    wanted = select(Lead).join(Site, Site.id == Lead.site)
    wanted = wanted.where(Lead.organisation == organisation, Site.archived.is_(None))
    return wanted if site is None else wanted.where(Lead.site == site)


def _found(session: Session, organisation: str, site: str | None, lead_id: str) -> Lead:
    leads = session.scalars(_of(organisation, site).where(Lead.id == lead_id.lower()).limit(2)).all()
    if not leads:
        raise NotFound(f"there is no lead {lead_id!r}")
    if len(leads) > 1:
        raise Conflict(f"several sites have a lead {lead_id!r}: name the site_id")
    return leads[0]


def _forget(session: Session, leads: Sequence[Lead]) -> None:
    """First the leads: who is just having one told has either done so before, or does not find it any more."""
    for lead in leads:
        session.delete(lead)
    session.flush()
    for lead in leads:
        ids = session.scalars(_told_of(lead)).all()
        session.execute(delete(Attempt).where(Attempt.delivery.in_(ids)))
        session.execute(delete(Delivery).where(Delivery.id.in_(ids)))


def _told_of(lead: Lead) -> Select[str]:
    """The deliveries that tell of a lead, by the index of endpoint and notice. After an id and `-` come digits up to `f`, in any order of letters."""
    endpoints = select(Endpoint.id).where(Endpoint.site == lead.site)
    its = Delivery.notice.between(id_of(lead.id), f"{id_of(lead.id)}-g")
    return select(Delivery.id).where(Delivery.endpoint.in_(endpoints), its)
