"""The bench's figures: percentiles, trends, rates, costs."""

from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import between, each, highest, of_buckets, percentile, quantiles, slope, trend

TIMES = [float(n) for n in range(60)]


def test_a_level_lag_with_peaks_is_bounded() -> None:
    lag = [1.5 + (4.0 if n % 17 == 0 else 0.1 * (n % 3)) for n in range(60)]
    found = trend(TIMES, lag)
    assert found.is_bounded
    assert found.highest == pytest.approx(5.5)
    assert found.rise == pytest.approx(0, abs=0.3)


def test_a_lag_that_grows_is_not_bounded() -> None:
    found = trend(TIMES, [1 + 0.05 * n for n in range(60)])
    assert not found.is_bounded
    assert found.rise == pytest.approx(0.05 * 59)


def test_a_lag_that_rises_by_less_than_half_of_itself_is_bounded() -> None:
    assert trend(TIMES, [10 + 0.05 * n for n in range(60)]).is_bounded


def test_nothing_measured_is_not_bounded() -> None:
    found = trend([], [])
    assert not found.is_bounded
    assert isnan(found.median)


@given(st.floats(-10, 10), st.floats(-100, 100))
def test_the_slope_of_a_line_is_its_own(steep: float, start: float) -> None:
    assert slope(TIMES, [start + steep * at for at in TIMES]) == pytest.approx(steep, abs=1e-6)


def test_percentiles() -> None:
    assert percentile(range(101), 0.95) == 95
    assert isnan(percentile([], 0.5))
    assert quantiles([1.0, 2.0, 3.0], (0.5,)) == {"count": 3, "p50": 2.0}
    assert quantiles([]) == {"count": 0}


def test_percentiles_of_buckets() -> None:
    buckets = {0.1: 50.0, 1.0: 90.0, inf: 100.0}
    assert of_buckets(buckets, 0.5) == pytest.approx(0.1)
    assert of_buckets(buckets, 0.7) == pytest.approx(0.1 + 0.9 * 20 / 40)
    assert of_buckets(buckets, 0.99) == 1.0
    assert isnan(of_buckets({}, 0.5))


def test_the_cost_of_an_event() -> None:
    assert each({"collector": 2.0, "sink": 1.0}, 1_000_000) == {"collector": 2.0, "sink": 1.0, "all": 3.0}
    assert each({"collector": 2.0}, 0) == {}


def test_growth_between_samples() -> None:
    samples = [(0.0, 0.0), (10.0, 100.0), (20.0, 300.0)]
    assert between(samples, 5, 15) == pytest.approx(150)
    assert between(samples[:1], 5, 15) == 0


@pytest.mark.parametrize("limit", [900.0, 20_000.0, 83_000.0, 400_000.0])
def test_the_search_comes_close_to_the_limit(limit: float) -> None:
    tried: dict[float, bool] = {}
    rate: float | None = 20_000.0
    while rate:
        tried[rate] = rate <= limit
        held, rate = highest(tried, 0.05)
    assert 0.94 * limit <= held <= limit
    assert len(tried) < 15
