"""Deliveries as the delivery process sees them: written, taken, and what became of them. Nothing here is lost by a death.

A delivery that is taken is due again when its lease ends. Whoever takes it then knows that the one before died.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec import json
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.deliveries import delivery_of
from api.control.leads import sealed_of
from api.control.model import Site
from api.control.outgoing import OVERTAKEN, PENDING, Attempt, Delivery, Endpoint
from api.control.overtaking import is_overtaken
from pulse.digest.notice import PREFIX
from pulse.leads.notice import FAMILY, is_of_lead
from pulse.notice import Notice
from pulse.outbound.mail import is_mail
from pulse.risk.notice import FAMILY as OF_RISK

TOLERANCE_MS = 60_000
"""An endpoint is told what was told from a minute before it was made: clocks differ."""
CLEANED = 500
MAIL_LEASE_MS = 90_000
"""A mail is ours for longer than what is called: its server may take its time, and it must not be mailed twice."""
ASKED_AT_ONCE = 1_000
"""Ids that one question names: PostgreSQL takes 65,535 parameters and no more."""
INTERRUPTED = "unknown"


@dataclass(frozen=True)
class Heard:
    """A notice, and when it was written to the log, in ms."""

    notice: Notice
    at: int


@dataclass(frozen=True)
class Ready:
    """An endpoint for which something is due, how many failures in a row it had, and whose it is."""

    id: str
    failures: int
    organisation: str
    by_mail: bool


@dataclass(frozen=True)
class Taken:
    """A delivery that is ours until `lease`, with its endpoint as it is now."""

    id: str
    endpoint: Endpoint
    notice: Notice
    tries: int
    lease: int
    sealed: str | None = field(default=None, repr=False)
    """Who the lead is that the notice tells of, as it is kept."""


class Dispatch:
    """What the delivery process asks of the database. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, heard: Sequence[Heard], now: int) -> int:
        """Write a delivery for each notice and endpoint that wants it, unless it is there; how many are new."""
        sites = {each.notice.site_id for each in heard}
        with self._database.write() as session:
            endpoints = session.scalars(_wanting(sites)).all()
            rows = [
                delivery_of(endpoint.id, each.notice, now)
                for each in heard
                if not _is_forgotten(session, each.notice)
                for endpoint in endpoints
                if wants(endpoint, each)
            ]
            return _insert_missing(session, rows)

    def ready(self, now: int, limit: int = 1_000) -> Sequence[Ready]:
        """The endpoints that may be called now and for which something is due, those that failed least first."""
        due = select(Delivery.id).where(
            Delivery.endpoint == Endpoint.id, Delivery.state == PENDING, Delivery.due <= now
        )
        columns = Endpoint.id, Endpoint.failures, Endpoint.organisation, Endpoint.url
        wanted = select(*columns).where(Endpoint.enabled, Endpoint.blocked_until <= now, due.exists())
        with self._database.read() as session:
            rows = session.execute(wanted.order_by(Endpoint.failures, func.random()).limit(limit)).all()
        return [Ready(id, failures, organisation, is_mail(url)) for id, failures, organisation, url in rows]

    def take(
        self,
        wanted: Sequence[tuple[str, int]],
        now: int,
        lease_ms: int,
        owner: str,
        held: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> list[Taken]:
        """Take up to so many due deliveries of each endpoint, the oldest first; nobody else gets them before the lease ends.

        What the owner still holds, by endpoint, is left out: while the database was away, its lease may have ended.
        """
        with self._database.write() as session:
            return [
                taken
                for endpoint_id, number in wanted
                for taken in _take(session, endpoint_id, number, now, lease_ms, owner, held.get(endpoint_id, ()))
            ]

    def release(self, owner: str, now: int) -> int:
        """Make due what an owner of this name had taken when it died; how many."""
        mine = update(Delivery).where(Delivery.state == PENDING, Delivery.taken_by == owner)
        with self._database.write() as session:
            return session.connection().execute(mine.values(due=now)).rowcount

    def clean(self, before: int) -> int:
        """Forget some deliveries that were finished before a moment; how many."""
        old = select(Delivery.id).where(Delivery.state != PENDING, Delivery.finished < before).limit(CLEANED)
        with self._database.write() as session:
            ids = session.scalars(old).all()
            session.execute(delete(Attempt).where(Attempt.delivery.in_(ids)))
            session.execute(delete(Delivery).where(Delivery.id.in_(ids)))
        return len(ids)


def wants(endpoint: Endpoint, heard: Heard) -> bool:
    """Whether an endpoint is to be told: it is the notice's site's, was there by then, and wants the kind."""
    notice = heard.notice
    if endpoint.site != notice.site_id or heard.at < endpoint.created - TOLERANCE_MS:
        return False
    if notice.kind.startswith(OF_RISK) and heard.at < endpoint.risks_since:
        return False
    return any(_names(kind, notice.kind) for kind in endpoint.kinds)


def _names(kind: str, of: str) -> bool:
    """Whether what an endpoint asks for names a kind; summaries, leads and risks are told to whoever names them."""
    return of == kind or of.startswith(f"{kind}.") or (kind == "*" and not of.startswith((PREFIX, FAMILY, OF_RISK)))


def _wanting(sites: Iterable[str]) -> Select[Endpoint]:
    in_use = select(Endpoint).join(Site, Site.id == Endpoint.site).where(Site.archived.is_(None))
    return in_use.where(Endpoint.enabled, Endpoint.site.in_(sites))


def _insert_missing(session: Session, rows: Sequence[Delivery]) -> int:
    if not rows:
        return 0
    columns = [column.key for column in Delivery.__table__.columns]
    values = {row.id: {name: getattr(row, name) for name in columns} for row in rows}
    ids, known = list(values), set[str]()
    for begin in range(0, len(ids), ASKED_AT_ONCE):
        some = ids[begin : begin + ASKED_AT_ONCE]
        known.update(session.scalars(select(Delivery.id).where(Delivery.id.in_(some))))
    new = [each for id, each in values.items() if id not in known]
    if new:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Delivery).on_conflict_do_nothing(), new)
    return len(new)


def _take(
    session: Session, endpoint_id: str, number: int, now: int, lease_ms: int, owner: str, held: Collection[str]
) -> list[Taken]:
    due = (
        select(Delivery)
        .where(Delivery.endpoint == endpoint_id, Delivery.state == PENDING, Delivery.due <= now)
        .where(Delivery.id.not_in(held))
        .order_by(Delivery.due)
        .limit(number)
        .with_for_update(skip_locked=True)
    )
    endpoint = session.get(Endpoint, endpoint_id)
    if endpoint is None or not endpoint.enabled:
        return []
    taken = []
    for delivery in session.scalars(due).all():
        notice = json.decode(delivery.record, type=Notice)
        sealed = sealed_of(session, notice) if is_of_lead(notice) else None
        if is_of_lead(notice) and sealed is None:
            session.execute(delete(Attempt).where(Attempt.delivery == delivery.id))
            session.delete(delivery)
            continue
        if delivery.taken_by is not None:
            _note_interrupted(session, delivery, now)
        if is_overtaken(session, endpoint, delivery, notice):
            delivery.state, delivery.finished, delivery.taken_by = OVERTAKEN, now, None
            delivery.error = "it was over before this could be sent"
            continue
        lease = now + (MAIL_LEASE_MS if is_mail(endpoint.url) else lease_ms)
        delivery.due, delivery.taken_by = lease, owner
        taken.append(Taken(delivery.id, endpoint, notice, delivery.tries, lease, sealed))
    return taken


def _is_forgotten(session: Session, notice: Notice) -> bool:
    """Whether it tells of a lead that is gone."""
    return is_of_lead(notice) and sealed_of(session, notice) is None


def _note_interrupted(session: Session, delivery: Delivery, now: int) -> None:
    delivery.attempts += 1
    said = f"{delivery.taken_by} ended before it was known what became of this attempt"
    values = {"at": now, "ms": 0, "status": None, "verdict": INTERRUPTED, "answer": "", "error": said}
    session.execute(insert(Attempt).values(delivery=delivery.id, number=delivery.attempts, **values))
