"""How many records a group has yet to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pulse.lag import Lag, behind, total

OFFSET = some.integers(0, 2**62)


@pytest.mark.parametrize(
    ("committed", "low", "high", "expected"),
    [
        (None, 0, 0, 0),
        (None, 0, 5, 5),
        (5, 0, 5, 0),
        (3, 0, 5, 2),
        (3, 4, 5, 1),
        (None, 4, 5, 1),
        (9, 0, 5, 0),
    ],
    ids=["empty", "never read", "caught up", "behind", "deleted meanwhile", "deleted before", "another log's offset"],
)
def test_what_is_left_to_read(committed: int | None, low: int, high: int, expected: int) -> None:
    assert behind(committed, low, high) == expected


@given(OFFSET, OFFSET, OFFSET)
def test_reading_one_more_record_never_adds_to_the_lag(committed: int, low: int, high: int) -> None:
    assert 0 <= behind(committed, low, high) - behind(committed + 1, low, high) <= 1


@given(some.lists(some.tuples(some.none() | OFFSET, OFFSET, OFFSET)))
def test_the_total_is_zero_only_if_every_partition_is(places: list[tuple[int | None, int, int]]) -> None:
    lags = [Lag("g", "t", n, committed, low, high) for n, (committed, low, high) in enumerate(places)]
    assert (total(lags) == 0) == all(lag.records == 0 for lag in lags)
