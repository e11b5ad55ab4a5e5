"""How often a question is asked anew, on a clock of the test's own."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.query.pace import AT_ONCE, COST, MOST_S, Pace


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def makings(took_s: float, seconds: float, every: float, least_s: float = 0.0) -> list[float]:
    """When a question is asked anew that somebody asks at an even rate, while its site changes all the time."""
    clock, found = Clock(), list[float]()
    pace, began = Pace(clock), clock.now
    while clock.now < began + seconds:
        if pace.is_due("q"):
            pace.note("q", took_s, least_s)
            found.append(clock.now - began)
        clock.now += every
    return found


def test_the_first_changes_are_followed_at_once() -> None:
    assert makings(0.01, 1.0, 0.25, 3.0) == [0.0, 0.25, 0.5]
    assert makings(0.2, 1.0, 0.25) == [0.0, 0.25, 0.5]


def test_what_costs_nothing_and_is_of_a_short_time_is_always_due() -> None:
    assert len(makings(0.004, 10.0, 0.25)) == 40


def test_a_question_that_nobody_asked_for_long_is_always_due() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.is_due("q")
    for _ in range(10):
        pace.note("q", 1.0)
    assert not pace.is_due("q")
    assert pace.is_due("another")
    clock.now += 10 * MOST_S
    assert pace.is_due("q")


@given(st.floats(0.001, 5), st.floats(0.05, 2), st.floats(0, 10))
def test_one_that_is_asked_all_the_time_is_made_anew_no_more_often_than_it_may(
    took_s: float, every: float, least_s: float
) -> None:
    each = min(max(least_s, took_s * COST), MOST_S)
    found = makings(took_s, 200, every, least_s)
    assert len(found) <= 200 / each + AT_ONCE + 1
    assert all(later - earlier <= each + every + 1e-6 for earlier, later in pairwise(found))
