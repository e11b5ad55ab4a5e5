"""Event time: clocks that are wrong are corrected, the future is pulled back, the past is judged."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from pulse.clock import event_time, is_too_old, to_ms

NOW = 1_800_000_000_000
HOUR = 3_600_000
EARLY = 300_000


def test_a_right_clock_is_left_alone() -> None:
    assert event_time(NOW - HOUR, None, NOW, EARLY) == (NOW - HOUR, "")
    assert event_time(NOW - HOUR, NOW - 900, NOW, EARLY) == (NOW - HOUR, "")


def test_a_clock_an_hour_ahead_is_set_back_by_that_hour() -> None:
    assert event_time(NOW + HOUR - 20_000, NOW + HOUR, NOW, EARLY) == (NOW - 20_000, "skewed")


def test_a_clock_a_day_behind_is_set_forward() -> None:
    assert event_time(NOW - 25 * HOUR, NOW - 24 * HOUR, NOW, EARLY) == (NOW - HOUR, "skewed")


def test_the_future_counts_as_now() -> None:
    assert event_time(NOW + EARLY, None, NOW, EARLY) == (NOW + EARLY, "")
    assert event_time(NOW + EARLY + 1, None, NOW, EARLY) == (NOW, "future")


def test_late_is_measured_from_receipt() -> None:
    assert not is_too_old(NOW - HOUR, NOW, HOUR)
    assert is_too_old(NOW - HOUR - 1, NOW, HOUR)


def test_times_of_every_form_are_the_same_moment() -> None:
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ms = 1_772_366_400_000
    vienna = moment.astimezone(timezone(timedelta(hours=1)))
    assert {to_ms(ms), to_ms(float(ms)), to_ms(moment), to_ms(vienna), to_ms(moment.replace(tzinfo=None))} == {ms}


@given(st.integers(0, 2**42), st.none() | st.integers(0, 2**42), st.integers(0, 2**42))
def test_no_event_lies_further_ahead_than_allowed(ts: int, sent_at: int | None, received_at: int) -> None:
    time, _ = event_time(ts, sent_at, received_at, EARLY)
    assert 0 <= time <= received_at + EARLY
