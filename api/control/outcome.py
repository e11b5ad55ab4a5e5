"""What became of attempts: each recorded, its delivery settled or due again, its endpoint's health brought up to date."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Update, insert, select, update
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.endpoints import disable
from api.control.outgoing import DEAD, DELIVERED, PENDING, Attempt, Delivery, Endpoint
from pulse.leads.notice import FAMILY
from pulse.outbound import breaker
from pulse.outbound.call import Answer
from pulse.outbound.verdict import Next, Verdict

GONE = "the receiver answered 410: nobody is there any more"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Outcome:
    """An attempt that was made at `at`, in ms, and what follows from it.

    `next` is for a delivery that is to be tried again or is dead, `asked_s` for how long the receiver wants to be left alone.
    """

    delivery: str
    endpoint: str
    lease: int
    at: int
    answer: Answer
    verdict: Verdict
    next: Next
    asked_s: float = 0.0


@dataclass(frozen=True)
class Health:
    """When an endpoint is left alone and when it is given up: pauses in seconds by failures in a row, days of nothing but failures."""

    disable_days: float
    pause_s: Callable[[int], float] = breaker.pause_s


class Outcomes:
    """Records outcomes. Raises Unavailable; then nothing of what was given is recorded."""

    def __init__(self, database: Database, health: Health) -> None:
        self._database = database
        self._health = health

    def record(self, outcomes: Sequence[Outcome], now: int) -> None:
        """Record attempts, all in one transaction; what was deleted meanwhile is passed over."""
        with self._database.write() as session:
            deliveries = _deliveries(session, {each.delivery for each in outcomes})
            known = [each for each in outcomes if each.delivery in deliveries]
            attempts = [_recorded(deliveries[each.delivery], each, now) for each in known]
            session.flush()
            if attempts:
                session.execute(insert(Attempt), attempts)
            self._judge(session, known, now)

    def _judge(self, session: Session, outcomes: Sequence[Outcome], now: int) -> None:
        """Bring the endpoints' standing up to date, and disable what is gone or fails for too long."""
        found = _standings(session, {each.endpoint for each in outcomes})
        after = dict(found)
        for each in outcomes:
            if each.verdict == Verdict.delivered:
                after[each.endpoint] = breaker.HEALTHY
            else:
                before = after[each.endpoint]
                after[each.endpoint] = breaker.after_failure(before, each.at, now, each.asked_s, self._health.pause_s)
        for endpoint, standing in after.items():
            if standing != found[endpoint]:
                session.execute(_stands(endpoint, standing))
        for endpoint, why in self._given_up(outcomes, after, now).items():
            disable(session, endpoint, why, now)

    def _given_up(
        self, outcomes: Sequence[Outcome], standings: Mapping[str, breaker.Standing], now: int
    ) -> dict[str, str]:
        long_ago = now - int(self._health.disable_days * DAY_MS)
        failing = f"nothing but failures for {self._health.disable_days:g} days"
        found = {
            endpoint: failing
            for endpoint, standing in standings.items()
            if self._health.disable_days and standing.since is not None and standing.since <= long_ago
        }
        return found | {each.endpoint: GONE for each in outcomes if each.verdict == Verdict.gone}


def _deliveries(session: Session, ids: set[str]) -> dict[str, Delivery]:
    wanted = select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id).with_for_update()
    return {delivery.id: delivery for delivery in session.scalars(wanted)}


def _standings(session: Session, ids: set[str]) -> dict[str, breaker.Standing]:
    columns = Endpoint.id, Endpoint.failures, Endpoint.failing_since, Endpoint.blocked_until
    wanted = select(*columns).where(Endpoint.id.in_(ids)).order_by(Endpoint.id).with_for_update()
    rows = session.execute(wanted).all()
    return {id: breaker.Standing(failures, since, until) for id, failures, since, until in rows}


def _stands(endpoint: str, standing: breaker.Standing) -> Update:
    values = {
        "failures": standing.failures,
        "failing_since": standing.since,
        "blocked_until": standing.blocked_until,
    }
    return update(Endpoint).where(Endpoint.id == endpoint).values(**values)


def _recorded(delivery: Delivery, outcome: Outcome, now: int) -> dict[str, object]:
    """The attempt to be recorded; the delivery is settled if it is still that taker's, or if it was delivered."""
    delivery.attempts += 1
    is_ours = delivery.state == PENDING and delivery.due == outcome.lease
    if is_ours or outcome.verdict == Verdict.delivered:
        _settle(delivery, outcome, now)
    return _attempt(outcome, delivery.attempts, has_answer=not delivery.kind.startswith(FAMILY))


def _settle(delivery: Delivery, outcome: Outcome, now: int) -> None:
    delivery.tries += 1
    delivery.taken_by = None
    delivery.status, delivery.error = outcome.answer.status, _text(outcome.answer.error)
    if outcome.verdict == Verdict.delivered:
        delivery.state, delivery.finished, delivery.untold = DELIVERED, now, False
    elif outcome.next.dead:
        delivery.state, delivery.finished, delivery.untold = DEAD, now, True
    else:
        delivery.due = outcome.next.due


def _attempt(outcome: Outcome, number: int, has_answer: bool) -> dict[str, object]:
    """What was answered to a lead is not kept: it may say who it is."""
    answer = outcome.answer
    return {
        "delivery": outcome.delivery,
        "number": number,
        "at": outcome.at,
        "ms": answer.ms,
        "status": answer.status,
        "verdict": str(outcome.verdict),
        "answer": _text(answer.body.decode(errors="replace")) if has_answer else "",
        "error": _text(answer.error),
    }


def _text(text: str) -> str:
    """A text as PostgreSQL keeps it: without NUL."""
    return text.replace("\0", "\ufffd")
