"""That a process notices it stood still."""

import pytest

from clickhouse.sink.awake import Awake


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def awake(clock: Clock) -> Awake:
    return Awake(3.0, clock)


def test_who_looks_often_enough_is_awake(clock: Clock, awake: Awake) -> None:
    for _ in range(100):
        clock.now += 2.9
        assert not awake.stood_still(100.0)
        awake.look()
    assert not awake.stood_still(100.0)


def test_who_wakes_up_knows_it_before_it_has_looked(clock: Clock, awake: Awake) -> None:
    clock.now += 10
    assert awake.stood_still(100.0)


def test_that_it_stood_still_is_remembered_against_what_was_known_before(clock: Clock, awake: Awake) -> None:
    clock.now += 10
    awake.look()
    clock.now += 1
    awake.look()
    assert awake.stood_still(105.0)
    assert not awake.stood_still(110.5)
