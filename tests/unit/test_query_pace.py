"""For how long an answer is good after more was stored."""

from hypothesis import given
from hypothesis import strategies as st

from api.query.entry import Entry, State, read
from api.query.pace import COST, LEAST_MS, MOST_MS, each_ms, is_good

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


@given(st.integers(0, 1 << 42), COSTS, st.integers(0, 1 << 42))
def test_what_is_good_was_made_in_the_last_five_seconds(made_ms: int, cost_ms: int, now_ms: int) -> None:
    assert is_good(made_ms, cost_ms, now_ms) == (made_ms <= now_ms < made_ms + each_ms(cost_ms))
    assert not is_good(made_ms, cost_ms, made_ms - 1), "a clock that stepped back"
    assert not is_good(made_ms, cost_ms, made_ms + MOST_MS)


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
    assert [entry.answers(state, 1_500, True) for state in states] == [True, True, False]
    assert [entry.answers(state, 1_500, False) for state in states] == [True, False, False]
    assert [entry.answers(state, 900, True) for state in states] == [True, False, False]
