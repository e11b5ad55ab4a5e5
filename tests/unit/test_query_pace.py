"""For how long an answer is good after more was stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.entry import Entry, State, read
from api.query.pace import COST, EAGER, LEAST_MS, LITTLE, MOST_MS, MUCH, OVER_S, Rate, due_ms, each_ms

COSTS = st.integers(0, 10_000_000)


@given(COSTS, COSTS)
def test_an_answer_is_good_for_longer_the_more_it_costs_and_never_for_long(cost_ms: int, more_ms: int) -> None:
    assert LEAST_MS <= each_ms(cost_ms) <= each_ms(cost_ms + more_ms) <= MOST_MS
    assert each_ms(cost_ms) >= min(COST * cost_ms, MOST_MS)


def test_one_that_costs_next_to_nothing_is_good_for_a_second_and_others_for_two_to_five() -> None:
    assert [each_ms(cost) for cost in (0, 50, 51, 100, 150, 250, 60_000)] == [
        1_000,
        1_000,
        2_000,
        2_000,
        3_000,
        5_000,
        5_000,
    ]


@given(st.integers(0, 1 << 42), COSTS, st.integers(0, 1 << 42), st.integers(0, 2 * MOST_MS))
def test_what_is_good_was_made_in_the_last_five_seconds(made_ms: int, cost_ms: int, now_ms: int, most_ms: int) -> None:
    entry, state = Entry(made_ms, cost_ms, State(b"1", b"1"), b"{}"), State(b"1", b"2")
    is_good = made_ms <= now_ms < made_ms + min(each_ms(cost_ms), most_ms)
    assert entry.answers(state, now_ms, most_ms) == is_good
    assert not entry.answers(state, made_ms - 1, most_ms), "a clock that stepped back"
    assert not entry.answers(state, made_ms + MOST_MS, most_ms)


@given(COSTS, st.floats(0, 1_000), st.floats(0, 1_000), st.integers(0, 2 * MOST_MS))
def test_an_answer_is_due_before_it_is_good_no_more_and_later_the_more_is_asked(
    cost_ms: int, rate: float, more: float, most_ms: int
) -> None:
    assert 0 <= due_ms(cost_ms, rate, most_ms) <= due_ms(cost_ms, rate + more, most_ms) <= each_ms(cost_ms, most_ms)


def test_where_little_is_asked_one_that_costs_little_is_due_soon() -> None:
    assert [due_ms(cost, LITTLE) for cost in (0, 10, 50)] == [0, 10 * EAGER, 50 * EAGER]
    assert [due_ms(cost, MUCH) for cost in (0, 10, 50)] == [LEAST_MS] * 3


def test_where_much_is_asked_a_costly_one_is_due_so_early_that_the_next_is_there_in_time() -> None:
    for cost in (51, 100, 250, 500, 1_000, 2_000):
        assert each_ms(cost) - due_ms(cost, MUCH) >= cost
    assert due_ms(60_000, MUCH) == MOST_MS // 2


@given(st.integers(1, 200), st.integers(0, 1 << 42))
def test_a_rate_is_of_the_last_seconds(a_second: int, begin_ms: int) -> None:
    rate = Rate()
    for n in range(30 * a_second):
        rate.count(begin_ms + n * 1_000 // a_second)
    end = begin_ms + 30_000
    assert rate.at(end) == pytest.approx(a_second, rel=0.1, abs=1 / OVER_S)
    assert rate.at(end + 60_000) < a_second / 1_000
    assert rate.at(begin_ms) < 2 * a_second + 1, "a clock that stepped back"


@given(st.integers(0, 1 << 42), COSTS, st.from_regex(rb"\A[0-9.]*\Z"), st.from_regex(rb"\A[0-9.:T ]*\Z"), st.binary())
def test_an_answer_is_read_as_it_was_kept(
    made_ms: int, cost_ms: int, altered: bytes, stored: bytes, body: bytes
) -> None:
    entry = Entry(made_ms, cost_ms, State(altered, stored), body)
    assert read(entry.as_bytes()) == entry


@given(st.binary())
def test_what_another_version_kept_is_none(kept: bytes) -> None:
    found = read(kept)
    assert found is None or kept.count(b"\n") >= 4


def test_only_of_the_same_state_is_one_good_that_may_not_lag() -> None:
    entry = Entry(1_000, 0, State(b"1", b"1"), b"{}")
    states = (State(b"1", b"1"), State(b"1", b"2"), State(b"2", b"1"))
    assert [entry.answers(state, 1_500, MOST_MS) for state in states] == [True, True, False]
    assert [entry.answers(state, 1_500, 0) for state in states] == [True, False, False]
    assert [entry.answers(state, 900, MOST_MS) for state in states] == [True, False, False]


def test_what_is_exact_is_never_due() -> None:
    entry = Entry(1_000, 0, State(b"1", b"1"), b"{}")
    assert not entry.is_due(State(b"1", b"1"), 100_000, MOST_MS, 0)
    assert entry.is_due(State(b"1", b"2"), 1_000, MOST_MS, 0)
