"""One look at a series: the value of the window that ends with a minute, and what the condition says of it."""

import operator
from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pulse.alerting.robust import Samples, Usual, usual
from pulse.alerting.rule import DAY, HISTORY_DAYS, Anomaly, NoData, Relative, Rule, Threshold
from pulse.alerting.series import Series
from pulse.alerting.windows import Windows

UNITS = 10_000
"""Of money: it is summed in ten-thousandths."""
COUNTS = ("events", "visitors", "sessions", "risk_events")
OF_MANY = ("vital", "lag")
"""What is one number of all that was measured, and nothing where nothing was."""
LEAST_DAYS = 3
"""Days of history from which on a window is compared with those of the same time."""
AROUND = 2
"""Minutes around that time that count as the same."""
LEVEL_MINUTES = 60
LEVEL_GAP = 5
"""The level is that of the hour before, but for its last minutes: what begins now must not hide itself."""
LEVEL_BOUNDS = 0.25, 4.0
TRAILING_MINUTES = 120
LEAST_SAMPLES = 20
LEAST_SPREAD = 0.08
"""Of what is usual: below it no deviation is told."""

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Look(NamedTuple):
    """What is seen: the value, whether the condition holds and whether it is over, both None where that cannot be told.

    `low` and `high` are between which values all would be well, None where there is no such end.
    """

    value: float | None
    holds: bool | None
    is_over: bool | None
    low: float | None = None
    high: float | None = None
    score: float | None = None


UNTOLD = Look(None, None, None)


def look(rule: Rule, series: Series | Windows, minute: int) -> Look:
    """Look at the window of a rule that ends with a minute."""
    condition = rule.condition
    if isinstance(condition, Threshold):
        return _threshold(rule, condition, series, minute)
    if isinstance(condition, Relative):
        return _relative(rule, condition, series, minute)
    if isinstance(condition, NoData):
        if isinstance(series, Windows):
            return UNTOLD
        volume = series.volumes.total(minute - rule.window_minutes + 1, minute)
        return Look(float(volume), volume == 0, volume > 0)
    return _anomaly(rule, condition, series, minute)


def measured(rule: Rule, value: float, volume: int) -> float | None:
    """What a rule's metric is of sums; None for a rate of nothing."""
    if rule.metric in COUNTS:
        return float(value)
    if rule.metric in OF_MANY:
        return float(value) if volume else None
    if rule.metric == "revenue":
        return value / UNITS
    return value / volume if volume else None


def _sums(rule: Rule, series: Series | Windows, minute: int) -> tuple[float | None, int]:
    value, volume = series.sums(minute - rule.window_minutes + 1, minute)
    return None if value is None else measured(rule, value, volume), volume


def _threshold(rule: Rule, condition: Threshold, series: Series | Windows, minute: int) -> Look:
    value, volume = _sums(rule, series, minute)
    if value is None or volume < rule.least:
        return Look(value, None, None)
    compare = COMPARE[condition.operator]
    over = condition.value if condition.resolve is None else condition.resolve
    low, high = _bounds(condition.operator, condition.value)
    return Look(value, compare(value, condition.value), not compare(value, over), low, high)


def _bounds(operator: str, value: float) -> tuple[float | None, float | None]:
    if operator in (">", ">="):
        return None, value
    return (value, None) if operator in ("<", "<=") else (value, value)


def _relative(rule: Rule, condition: Relative, series: Series | Windows, minute: int) -> Look:
    shift = rule.shift
    value, volume = _sums(rule, series, minute)
    begin = series.begin
    if value is None or begin is None or minute - shift - rule.window_minutes + 1 < begin:
        return Look(value, None, None)
    before, volume_before = _sums(rule, series, minute - shift)
    if not before or max(volume, volume_before) < rule.least:
        return Look(value, None, None)
    change = (value - before) / abs(before) * 100
    compare = COMPARE[condition.operator]
    over = condition.percent if condition.resolve is None else condition.resolve
    edge = before + abs(before) * condition.percent / 100
    low, high = _bounds(condition.operator, edge)
    return Look(value, compare(change, condition.percent), not compare(change, over), low, high, change)


def _anomaly(rule: Rule, condition: Anomaly, series: Series | Windows, minute: int) -> Look:
    value, volume = _sums(rule, series, minute)
    found = _usual(rule, series, minute, volume)
    if value is None or found is None:
        return Look(value, None, None)
    expected = found.middle if rule.metric == "events" else 0
    if max(volume, expected) < rule.least:
        return Look(value, None, None)
    score = found.score(value)
    size = {"up": score, "down": -score, "both": abs(score)}[condition.direction]
    over = condition.z / 2 if condition.resolve is None else condition.resolve
    low, high = _band(rule, condition, found)
    return Look(value, size >= condition.z, size < over or size == 0, low, high, score)


def _band(rule: Rule, condition: Anomaly, found: Usual) -> tuple[float | None, float | None]:
    """Between which values all would be well: of counts and shares from 0 on, as they are never below; money may be given back."""
    low, high = found.middle - condition.z * found.spread, found.middle + condition.z * found.spread
    low = low if rule.metric == "revenue" else max(low, 0.0)
    return None if condition.direction == "up" else low, None if condition.direction == "down" else high


def _usual(rule: Rule, series: Series | Windows, minute: int, volume: int) -> Usual | None:
    """What is usual for the window that ends with a minute, None where there is too little to tell."""
    begin = series.begin
    if begin is None:
        return None
    window = rule.window_minutes
    days = min((minute - AROUND - window + 1 - begin) // DAY, HISTORY_DAYS)
    if days >= LEAST_DAYS:
        ends = (minute - DAY * np.arange(1, days + 1))[:, None] + np.arange(-AROUND, AROUND + 1)
        levels = np.repeat(_levels(series, minute - window, int(days)), 2 * AROUND + 1)
        return _of(rule, series, ends.ravel(), levels, volume)
    steps = min(TRAILING_MINUTES // window, (minute - window - begin + 1) // window)
    if steps < LEAST_SAMPLES:
        return None
    return _of(rule, series, minute - window * np.arange(1, steps + 1), np.ones(steps), volume)


def _of(
    rule: Rule, series: Series | Windows, ends: npt.NDArray[np.int64], levels: Samples, volume: int
) -> Usual | None:
    values, volumes = _totals(rule, series, ends)
    if rule.metric == "events":
        samples = values.astype(np.float64) * levels
    elif rule.metric == "revenue":
        samples = values.astype(np.float64) * (levels / UNITS)
    else:
        told = volumes > 0
        if told.sum() < LEAST_SAMPLES / 2:
            return None
        samples = values[told].astype(np.float64) / volumes[told]
    return usual(samples, _least_spread(rule, float(np.median(samples)), volume))


def _totals(
    rule: Rule, series: Series | Windows, ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    if isinstance(series, Windows):
        return series.totals(ends)
    volumes = series.volumes.totals(ends, rule.window_minutes)
    values = volumes if series.values is series.volumes else series.values.totals(ends, rule.window_minutes)
    return values, volumes


def _least_spread(rule: Rule, middle: float, volume: int) -> float:
    """What chance alone makes: of a count by Poisson, of a share by the binomial distribution."""
    if rule.metric == "events":
        return max(sqrt(max(middle, 1.0)), LEAST_SPREAD * middle)
    if rule.metric == "revenue":
        return max(LEAST_SPREAD * abs(middle), 0.01)
    share = min(max(middle, 0.0), 1.0)
    return max(sqrt(max(share * (1 - share), 0.0) / max(volume, 1)), LEAST_SPREAD * middle, 1e-6)


def _levels(series: Series | Windows, last: int, days: int) -> Samples:
    """How the hour before compares with the same hour of each of the days before, within bounds; of shares, as ever."""
    if isinstance(series, Windows):
        return np.ones(days)
    end = last - LEVEL_GAP
    now = series.values.total(end - LEVEL_MINUTES + 1, end)
    before = series.values.totals(end - DAY * np.arange(1, days + 1), LEVEL_MINUTES).astype(np.float64)
    if now <= 0:
        return np.ones(days)
    return np.where(before > 0, np.clip(now / np.maximum(before, 1.0), *LEVEL_BOUNDS), 1.0)
