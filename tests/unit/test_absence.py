"""When a member that is outside of its group joins anew."""

import pytest

from pulse.absence import LONGEST_S, SESSIONS, Absence, OutsideError
from pulse.fencing import Fencing

SESSION_MS = 6_000
PATIENCE_S = SESSIONS * SESSION_MS / 1000


class Clock:
    """A clock that is set by hand, and a broker that answers or does not."""

    def __init__(self) -> None:
        self.now, self.answers = 100.0, True
        self.absence = Absence(SESSION_MS, lambda: self.answers, lambda: self.now)

    def is_outside(self, after_s: float) -> bool:
        self.now += after_s
        try:
            self.absence.demand()
        except OutsideError:
            return True
        return False


def test_who_was_never_let_in_and_who_was_put_out_joins_anew_after_a_while() -> None:
    clock = Clock()
    assert not clock.is_outside(PATIENCE_S - 1)
    clock.absence.end()
    assert not clock.is_outside(10 * PATIENCE_S)
    clock.absence.begin()
    assert not clock.is_outside(PATIENCE_S - 1)
    clock.now += 1
    with pytest.raises(OutsideError, match="outside of its group for 60 s"):
        clock.absence.demand()


def test_each_further_time_is_waited_for_longer_until_it_is_let_in() -> None:
    clock, waits = Clock(), []
    for _ in range(6):
        wait = 0
        while not clock.is_outside(1):
            wait += 1
        waits.append(wait + 1)
    assert waits == [60, 120, 240, 480, LONGEST_S, LONGEST_S]
    clock.absence.end()
    clock.absence.begin()
    assert clock.is_outside(PATIENCE_S)


def test_while_kafka_is_away_nobody_joins_anew() -> None:
    clock = Clock()
    clock.answers = False
    assert not any(clock.is_outside(PATIENCE_S) for _ in range(5))
    clock.answers = True
    assert not clock.is_outside(PATIENCE_S - 1)
    assert clock.is_outside(1)


def test_it_is_borne_as_being_fenced_is() -> None:
    clock, pauses = Clock(), list[float]()
    fencing = Fencing(pauses.append, lambda: clock.now)
    clock.now += PATIENCE_S
    with pytest.raises(OutsideError) as raised:
        clock.absence.demand()
    fencing.bear(raised.value)
    assert pauses == [1]
