"""Deliveries as people look at them and ask for them anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from msgspec import json
from sqlalchemy import and_, or_, select, update

from api.control.database import Database
from api.control.leads import sealed_of
from api.control.outgoing import PENDING, Attempt, Delivery, Endpoint
from pulse.errors import Conflict, NotFound
from pulse.leads.notice import LEAD_ID, is_of_lead
from pulse.notice import Notice

AGAIN: dict[str, Any] = {
    "state": PENDING,
    "tries": 0,
    "finished": None,
    "taken_by": None,
    "untold": False,
}
"""What a delivery is set to that is to be made anew; its attempts stay recorded."""


@dataclass(frozen=True)
class Range:
    """Which deliveries: created from `since` until before `until`, in ms, and of a state if one is named."""

    since: int | None = None
    until: int | None = None
    state: str | None = None


class Deliveries:
    """Deliveries of endpoints; whose an endpoint is has been looked up. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, endpoint: str, state: str | None, limit: int, before: tuple[int, str] | None = None
    ) -> Sequence[Delivery]:
        """At most `limit` deliveries, the newest first, after the one made at `before` under that id."""
        wanted = select(Delivery).where(Delivery.endpoint == endpoint)
        if state is not None:
            wanted = wanted.where(Delivery.state == state)
        if before is not None:
            at, after = before
            wanted = wanted.where(or_(Delivery.created < at, and_(Delivery.created == at, Delivery.id < after)))
        with self._database.read() as session:
            return session.scalars(wanted.order_by(Delivery.created.desc(), Delivery.id.desc()).limit(limit)).all()

    def get(self, endpoint: str, delivery_id: str) -> tuple[Delivery, Sequence[Attempt]]:
        """A delivery and the attempts at it, in their order."""
        with self._database.read() as session:
            delivery = session.get(Delivery, delivery_id)
            if delivery is None or delivery.endpoint != endpoint:
                raise NotFound(f"there is no delivery {delivery_id!r}")
            tried = select(Attempt).where(Attempt.delivery == delivery_id).order_by(Attempt.number)
            return delivery, session.scalars(tried).all()

    def ask(self, endpoint: Endpoint, notice: Notice, now: int) -> Delivery:
        """Have a notice delivered to an endpoint, whatever kinds it wants; raises Conflict if it is disabled, NotFound for a lead that is gone."""
        _demand_enabled(endpoint)
        delivery = delivery_of(endpoint.id, notice, now)
        with self._database.write() as session:
            if is_of_lead(notice) and sealed_of(session, notice) is None:
                raise NotFound(f"there is no lead {notice.data[LEAD_ID]!r}")
            session.add(delivery)
        return delivery

    def redeliver(self, endpoint: Endpoint, delivery_id: str, now: int) -> Delivery:
        """Deliver once more, at once and by a schedule of its own; raises Conflict if the endpoint is disabled."""
        _demand_enabled(endpoint)
        self.get(endpoint.id, delivery_id)
        free = or_(Delivery.state != PENDING, Delivery.taken_by.is_(None))
        with self._database.write() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id, free).values(**AGAIN, due=now))
        return self.get(endpoint.id, delivery_id)[0]

    def redeliver_all(self, endpoint: Endpoint, within: Range, now: int) -> int:
        """Deliver all of a range once more that are not waiting anyway; how many."""
        _demand_enabled(endpoint)
        wanted = update(Delivery).where(Delivery.endpoint == endpoint.id, Delivery.state != PENDING)
        if within.state is not None:
            wanted = wanted.where(Delivery.state == within.state)
        if within.since is not None:
            wanted = wanted.where(Delivery.created >= within.since)
        if within.until is not None:
            wanted = wanted.where(Delivery.created < within.until)
        with self._database.write() as session:
            return session.connection().execute(wanted.values(**AGAIN, due=now)).rowcount


def delivery_of(endpoint: str, notice: Notice, now: int) -> Delivery:
    """A notice for an endpoint, as it waits: always the same id for the same two."""
    return Delivery(
        id=message_id(endpoint, notice.id),
        endpoint=endpoint,
        site=notice.site_id,
        notice=notice.id,
        kind=notice.kind,
        record=json.encode(notice).decode(),
        created=now,
        state=PENDING,
        due=now,
        tries=0,
        attempts=0,
        error="",
        untold=False,
    )


def message_id(endpoint: str, notice: str) -> str:
    """What the receiver knows a delivery by: however often it is sent, the same."""
    return "msg_" + blake2b(f"{endpoint}\0{notice}".encode(), digest_size=12).hexdigest()


def _demand_enabled(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise Conflict(f"the webhook {endpoint.id!r} is disabled ({endpoint.disabled_why}): enable it first")
