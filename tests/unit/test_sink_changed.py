"""For how long nothing more is told of what was stored."""

from hypothesis import given
from hypothesis import strategies as st

from clickhouse.sink.changed import LEAST_S, MOST_S, PART, pause


@given(st.floats(0, 1_000))
def test_telling_takes_little_of_the_time_and_is_done_each_second_at_least(took_s: float) -> None:
    assert LEAST_S <= pause(took_s) <= MOST_S
    assert pause(took_s) >= min(PART * took_s, MOST_S)
