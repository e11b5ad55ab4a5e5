"""How long a block gathers."""

import pytest

from clickhouse.sink.run import gathering_s


@pytest.mark.parametrize(("rows", "seconds"), [(0, 0.5), (1, 0.5), (499, 0.5), (500, 1.0), (1_000, 1.0)])
def test_a_block_waits_for_more_once_it_is_half_full(rows: int, seconds: float) -> None:
    assert gathering_s(rows, 1_000, 0.5) == seconds
