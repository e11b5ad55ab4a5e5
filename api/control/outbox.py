"""What the database knows and the log is yet to be told: dead deliveries, and endpoints that were disabled."""

from collections.abc import Sequence

from sqlalchemy import select, update

from api.control.database import Database
from api.control.outgoing import DEAD, Delivery, Endpoint

MOST = 200


class Outbox:
    """Reads what is untold, and notes that it was told. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def dead(self) -> Sequence[Delivery]:
        """Some deliveries that are dead and that the log does not have."""
        with self._database.read() as session:
            wanted = select(Delivery).where(Delivery.untold, Delivery.state == DEAD)
            return session.scalars(wanted.limit(MOST)).all()

    def disabled(self) -> Sequence[Endpoint]:
        """Some endpoints that were disabled by themselves, of which nobody has been told."""
        with self._database.read() as session:
            return session.scalars(select(Endpoint).where(Endpoint.untold).limit(MOST)).all()

    def told(self, deliveries: Sequence[str], endpoints: Sequence[str]) -> None:
        """Note that the log has these."""
        with self._database.write() as session:
            session.execute(update(Delivery).where(Delivery.id.in_(deliveries)).values(untold=False))
            session.execute(update(Endpoint).where(Endpoint.id.in_(endpoints)).values(untold=False))
