"""How long a block gathers."""

from math import inf

import pytest

from clickhouse.sink.run import gathering_s


@pytest.mark.parametrize(("rows", "seconds"), [(0, 0.5), (1, 0.5), (499, 0.5), (500, 1.0), (1_000, 1.0)])
def test_a_block_waits_for_more_once_it_is_half_full(rows: int, seconds: float) -> None:
    assert gathering_s(rows, 1_000, 0.5, inf) == seconds


@pytest.mark.parametrize(
    ("took_s", "seconds"), [(0.0, 0.2), (0.1, 0.2), (0.15, 0.3), (0.25, 0.5), (3.0, 0.5), (inf, 0.5)]
)
def test_a_block_waits_less_where_the_store_is_quick(took_s: float, seconds: float) -> None:
    assert gathering_s(499, 1_000, 0.5, took_s) == seconds


def test_a_block_never_waits_longer_than_is_asked_for() -> None:
    assert gathering_s(0, 1_000, 0.1, 0.0) == 0.1
