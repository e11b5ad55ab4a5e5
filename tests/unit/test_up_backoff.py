"""The pauses before a process is started again."""

from hypothesis import given
from hypothesis import strategies as some

from deploy.local.up.backoff import STEADY_S, failures, pause


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pause(n) for n in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@given(some.integers(1, 10**9))
def test_a_pause_is_never_shorter_than_the_one_before(n: int) -> None:
    assert pause(n) <= pause(n + 1) <= 30


@given(some.integers(0, 10**6), some.floats(0, 1e9))
def test_failures_count_until_a_process_ran_for_a_minute(before: int, ran_s: float) -> None:
    assert failures(before, ran_s) == (1 if ran_s >= STEADY_S else before + 1)
