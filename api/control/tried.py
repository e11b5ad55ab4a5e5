"""Attempts that the store of events is yet to be told of, so that analysts see them. None is lost by a death."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, tuple_, update

from api.control.database import Database
from api.control.outgoing import Attempt, Delivery

MOST = 1_000


class Tried(NamedTuple):
    """An attempt at a delivery, which began `at` that moment and took `ms`."""

    site: str
    at: int
    delivery: str
    attempt: int
    endpoint: str
    notice: str
    kind: str
    verdict: str
    status: int | None
    ms: int
    error: str


class Attempts:
    """Reads what is untold, and notes that it was told. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def untold(self) -> Sequence[Tried]:
        """Some attempts, at most `MOST`."""
        wanted = (
            select(
                *(Delivery.site, Attempt.at, Attempt.delivery, Attempt.number, Delivery.endpoint, Delivery.notice),
                *(Delivery.kind, Attempt.verdict, Attempt.status, Attempt.ms, Attempt.error),
            )
            .join(Delivery, Delivery.id == Attempt.delivery)
            .where(Attempt.untold)
            .limit(MOST)
        )
        with self._database.read() as session:
            return [Tried(*row) for row in session.execute(wanted)]

    def told(self, tried: Sequence[Tried]) -> None:
        """Note that the store has these."""
        keys = [(each.delivery, each.attempt) for each in tried]
        these = update(Attempt).where(tuple_(Attempt.delivery, Attempt.number).in_(keys))
        with self._database.write() as session:
            session.connection().execute(these.values(untold=False))
