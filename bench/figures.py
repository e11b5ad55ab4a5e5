"""Figures out of raw samples, each by a pure function."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

RISE_S = 1.0
"""By so much may lag rise over a run and still count as bounded; or by half of what it usually is."""
MOST_PAIRS = 200


class Trend(NamedTuple):
    """How a series goes: its middle, its highest, its last, by how much it rises over its whole, and whether it is bounded."""

    median: float
    highest: float
    last: float
    rise: float
    is_bounded: bool


def trend(times: Sequence[float], values: Sequence[float], allowed: float = RISE_S) -> Trend:
    """The trend of a lag in seconds: bounded if its typical slope would not make it rise by more than is allowed."""
    if len(values) < 3:
        return Trend(percentile(values, 0.5), percentile(values, 1), percentile(values[-1:], 1), 0.0, len(values) > 0)
    median, rise = percentile(values, 0.5), slope(times, values) * (times[-1] - times[0])
    return Trend(median, max(values), values[-1], rise, rise <= max(allowed, median / 2))


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The middle one of the slopes between all pairs of points (Theil and Sen's): single peaks do not count."""
    step = max(len(times) // MOST_PAIRS, 1)
    t, v = np.asarray(times, float)[::step], np.asarray(values, float)[::step]
    first, second = np.triu_indices(len(t), 1)
    apart = t[second] - t[first]
    found = (v[second] - v[first])[apart > 0] / apart[apart > 0]
    return float(np.median(found)) if len(found) else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of 0 to 1 lies; nan of nothing."""
    return float(np.quantile(values, share)) if len(values) else float("nan")


def quantiles(values: Sequence[float], shares: Sequence[float] = (0.5, 0.95, 0.99)) -> dict[str, float]:
    """Several percentiles as p50, p95, …, and how many values they are of."""
    if not len(values):
        return {"count": 0}
    return {"count": len(values)} | {f"p{share * 100:g}": percentile(values, share) for share in shares}


def of_buckets(buckets: Mapping[float, float], share: float) -> float:
    """A percentile of a cumulative histogram by upper bounds, evenly spread within a bucket; nan of nothing."""
    bounds = sorted(buckets)
    whole = buckets[bounds[-1]] if bounds else 0
    if not whole:
        return float("nan")
    below, before = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= share * whole:
            if bound == inf:
                return before
            return before + (bound - before) * (share * whole - below) / max(buckets[bound] - below, 1)
        below, before = buckets[bound], bound
    return before


def each(spent: Mapping[str, float], events: int) -> dict[str, float]:
    """Seconds by process as µs an event, all of them together as `all`."""
    if not events:
        return {}
    found = {name: seconds / events * 1e6 for name, seconds in spent.items()}
    return found | {"all": sum(found.values())}


def between(samples: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """By how much a growing number grew between two times, from its samples (time, number), evenly in between."""
    if len(samples) < 2:
        return 0.0
    times, numbers = zip(*samples, strict=True)
    return float(np.interp(end, times, numbers) - np.interp(begin, times, numbers))


def highest(tried: Mapping[float, bool], step: float) -> tuple[float, float | None]:
    """The highest rate that held, and the next to be tried; none once the limit is known to a share of `step`."""
    held = max((rate for rate, ok in tried.items() if ok), default=0.0)
    broke = min((rate for rate, ok in tried.items() if not ok and rate > held), default=None)
    if broke is None:
        return held, held * 1.5 if held else None
    if broke - held <= step * broke:
        return held, None
    return held, (held + broke) / 2 if held else broke / 2
