"""What one key may send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.collector.answer import Problem
from api.collector.quota import MOST_KEYS, Quota

UNHURRIED = settings(deadline=None)


def taken(quota: Quota, key: str, events: int, now: float) -> bool:
    try:
        quota.demand(key, now)
        quota.take(key, events, now)
    except Problem:
        return False
    return True


@UNHURRIED
@given(
    st.integers(1, 1_000),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 2_000)), min_size=1, max_size=50),
)
def test_no_key_gets_more_than_its_rate_and_one_burst(rate: int, requests: list[tuple[float, int]]) -> None:
    quota, now, total, largest = Quota(rate), 0.0, 0, 0
    for pause, events in requests:
        now += pause
        if taken(quota, "k", events, now):
            total, largest = total + events, max(largest, events)
    assert total <= rate * now + max(2 * rate, largest) + 1e-6


def test_a_burst_of_twice_the_rate_passes_and_the_rest_comes_later() -> None:
    quota = Quota(10)
    assert taken(quota, "k", 20, 0)
    with pytest.raises(Problem) as told:
        quota.take("k", 5, 0)
    assert told.value.status == 429
    headers = dict(told.value.headers)
    assert headers == {
        b"retry-after": b"1",
        b"ratelimit-limit": b"20",
        b"ratelimit-remaining": b"0",
        b"ratelimit-reset": b"2",
    }
    assert "10 events a second" in told.value.detail
    assert taken(quota, "k", 5, 0.5)


def test_a_refused_request_costs_nothing() -> None:
    quota = Quota(10)
    assert taken(quota, "k", 15, 0)
    assert not taken(quota, "k", 6, 0)
    assert taken(quota, "k", 5, 0)


def test_a_request_of_more_than_a_burst_passes_when_nothing_was_sent_and_is_made_up_for() -> None:
    quota = Quota(10)
    assert taken(quota, "k", 100, 0)
    assert not taken(quota, "k", 1, 7.9)
    assert taken(quota, "k", 1, 8.2)


def test_keys_do_not_share() -> None:
    quota = Quota(1)
    assert taken(quota, "a", 2, 0)
    assert taken(quota, "b", 2, 0)
    assert not taken(quota, "a", 1, 0)


def test_a_rate_below_one_event_lets_one_through_now_and_then() -> None:
    quota = Quota(0.1)
    assert taken(quota, "k", 1, 0)
    assert not taken(quota, "k", 1, 5)
    assert taken(quota, "k", 1, 10.1)


def test_no_more_keys_are_remembered_than_there_is_room_for() -> None:
    quota = Quota(1)
    for number in range(MOST_KEYS + 10):
        quota.take(str(number), 2, 0)
    assert taken(quota, "0", 1, 0), "forgotten, so full"
    assert not taken(quota, str(MOST_KEYS), 1, 0)
