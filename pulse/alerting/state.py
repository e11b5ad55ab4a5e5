"""The states of a rule, and how it goes from one to the next: a pure function of what is seen, minute by minute."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, NamedTuple

from pulse.alerting.look import Look
from pulse.alerting.rule import NoData, Rule


class Status(StrEnum):
    """Where a rule stands. `no_data` is how a rule fires that watches for nothing coming."""

    ok = "ok"
    pending = "pending"
    firing = "firing"
    no_data = "no_data"


TOLD = (Status.firing, Status.no_data)
"""What somebody was told of, and is told the end of."""


@dataclass(frozen=True, slots=True)
class State:
    """A status, the minute since which it is so, and the minute in which the rule fired last.

    What an earlier minute says later changes nothing: a state looks at no minute before its `since`.
    """

    status: Status = Status.ok
    since: int = 0
    fired: int | None = None
    held: int | None = None
    """The last closed minute in which what is pending held."""


class Change(NamedTuple):
    """What somebody is to be told: that it fires, that it is over, that nothing comes.

    `minute` is the last of the window that shows it, `began` that of the window with which it began to fire.
    """

    kind: Literal["firing", "resolved", "no_data"]
    minute: int
    began: int


Next = tuple[State, Change | None]


def after(rule: Rule, state: State, seen: Look, minute: int, *, is_closed: bool, is_hushed: bool = False) -> Next:
    """The state after a look at the window that ends with a minute, and what is to be told.

    A running minute can only begin what a closed one could begin, and fires after a duration only where all minutes
    before it are closed; only a closed one ends something. Whoever is hushed
    does not begin to fire: what still holds when that is over fires then. What cannot be told ends what is pending and
    nothing else.
    """
    if minute < state.since:
        return state, None
    if state.status in TOLD:
        return _told(state, seen, minute, is_closed)
    if not seen.holds:
        return (replace(state, status=Status.ok, held=None), None) if is_closed else (state, None)
    pending = state if state.status == Status.pending else State(Status.pending, minute, state.fired)
    is_sure = is_closed or rule.holds_for == 0 or pending.held == minute - 1
    pending = replace(pending, held=minute) if is_closed else pending
    if is_hushed or not is_sure or not _may_fire(rule, pending, minute):
        return pending, None
    status = Status.no_data if isinstance(rule.condition, NoData) else Status.firing
    kind: Literal["no_data", "firing"] = "no_data" if status == Status.no_data else "firing"
    return State(status, minute, minute), Change(kind, minute, minute)


def over(state: State, minute: int) -> Next:
    """The state of a rule that is watched no longer."""
    if state.status not in TOLD:
        return State(Status.ok, minute, state.fired), None
    return State(Status.ok, minute + 1, state.fired), Change("resolved", minute, state.since)


def _told(state: State, seen: Look, minute: int, is_closed: bool) -> Next:
    if not is_closed or not seen.is_over:
        return state, None
    return State(Status.ok, minute + 1, state.fired), Change("resolved", minute, state.since)


def _may_fire(rule: Rule, pending: State, minute: int) -> bool:
    is_cool = pending.fired is None or minute - pending.fired >= rule.cooldown_minutes
    return is_cool and minute - pending.since >= rule.holds_for
