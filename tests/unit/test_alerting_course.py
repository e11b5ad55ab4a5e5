"""The evaluation of rules against a second opinion: on simulated traffic with steps, spikes, season, gaps, late data, restarts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.alerting.look import look
from pulse.alerting.rule import Rule
from pulse.alerting.series import Series
from pulse.alerting.windows import Windows
from tests.alertcourse import BEGIN, alike, is_told_once
from tests.alertreference import DAY, Reference

SERIES = 50


@pytest.mark.parametrize(("most_late", "dies"), [(0, 0.0), (4, 0.0), (0, 0.1)], ids=["plain", "late", "restarts"])
def test_many_series_are_told_of_as_the_second_opinion_does_once_each(most_late: int, dies: float) -> None:
    told = 0
    for seed in range(SERIES):
        found, wanted, course = alike(seed, most_late, dies)
        assert found == wanted, seed
        assert is_told_once(course), seed
        told += len(found)
    assert told > SERIES / 2


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 9)), max_size=40),
    st.integers(1, 60),
    st.integers(0, 3_000),
)
def test_a_series_sums_what_it_was_given_in_any_order(adds: list[tuple[int, int]], width: int, end: int) -> None:
    series = Series(5_000, is_money=False, is_one=True)
    for minute, number in adds:
        series.add(BEGIN + minute, number, number)
    wanted = sum(number for minute, number in adds if end - width < minute <= end)
    assert series.values.total(BEGIN + end - width + 1, BEGIN + end) == wanted


@pytest.mark.parametrize("seed", range(4))
def test_an_anomaly_is_scored_as_the_second_opinion_does(seed: int) -> None:
    dice = random.Random(seed)
    rule = {
        "metric": "events",
        "window_minutes": dice.choice([1, 5]),
        "condition": {"kind": "anomaly", "z": 4.0, "direction": "both"},
    }
    made, reference = Rule.model_validate(rule), Reference(rule)
    series = Series(made.reach + 400, is_money=False, is_one=True)
    days = dice.choice([2, 3, 5, 15])
    for minute in range(BEGIN, BEGIN + days * DAY):
        number = int(dice.gauss(60, 8) * (1 + 0.5 * ((minute % DAY) > 700)))
        series.add(minute, number, number)
        reference.add(minute, number)
    for _ in range(20):
        minute = BEGIN + days * DAY - dice.randrange(1, 400)
        assert look(made, series, minute).score == pytest.approx(reference.score(minute))


@pytest.mark.parametrize("days", [1, 2, 3, 5, 15])
def test_an_anomaly_of_stored_events_is_scored_as_one_of_minutes(days: int) -> None:
    dice = random.Random(days)
    of_minutes, of_store = (
        Rule.model_validate({"metric": metric, "window_minutes": 5, "condition": {"kind": "anomaly", "z": 4.0}})
        for metric in ("bot_share", "risky_share")
    )
    series, last = Series(of_minutes.reach + 400, is_money=False, is_one=False), BEGIN + days * DAY
    for minute in range(BEGIN, last):
        volume = dice.choice([0, 20, 60])
        series.add(minute, sum(dice.random() < 0.1 + 0.3 * (minute % 97 == 0) for _ in range(volume)), volume)
    cells = {end: series.sums(end - 4, end) for end in range(BEGIN, last)}
    windows = Windows([(BEGIN, last)], cells, series.begin)
    looks = [
        (look(of_minutes, series, minute), look(of_store, windows, minute))
        for minute in (last - dice.randrange(1, 400) for _ in range(40))
    ]
    assert all(ours == theirs for ours, theirs in looks)
    assert any(ours.score is not None for ours, _ in looks)
    part = Windows([(last - 3, last)], cells, series.begin)
    assert look(of_store, part, last - 1).holds is None


@pytest.mark.parametrize("seed", range(50))
def test_minutes_that_are_closed_late_tell_what_the_second_opinion_tells(seed: int) -> None:
    ours, theirs, _ = alike(seed, most_late=0, dies=0, delay=2)
    assert ours == theirs
