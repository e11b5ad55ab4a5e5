"""Days in UTC as bits of their quarters, and which of them belong to which periods."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

DAY_MS = 86_400_000
LAST = 65_535
"""The last day that the store knows."""

Day = int
"""A day, counted from the epoch."""


@dataclass(frozen=True)
class Quarter:
    """A quarter of a year by its first day: which of its days belong to a period, by the period's number, the lowest bit being the first day."""

    first: Day
    bits: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Days:
    """How days tell periods: `quarters` by their bits; all quarters before the day `past`, but for `odd` ones, as period 0.

    `cut` are the days that tell nothing: those in the midst of which a period begins or ends, and those that are doubtful.
    """

    quarters: tuple[Quarter, ...]
    past: Day | None
    odd: tuple[Day, ...]
    cut: tuple[Day, ...]


def split(begins: Sequence[int], end_ms: int, has_history: bool, doubtful: Iterable[Day]) -> Days:
    """The days of periods that begin at these moments, the last of which ends the last period, up to an end."""
    bounds = [begin for begin in begins if begin < end_ms] + [end_ms]
    spans = [(n, -(-begin // DAY_MS), end // DAY_MS) for n, (begin, end) in enumerate(pairwise(bounds), 1)]
    first = bounds[0] // DAY_MS
    spans = [(0, 0, first), *spans] if has_history else spans
    asked = {day for day in doubtful if has_history or day >= first}
    cut = asked | {bound // DAY_MS for bound in bounds if bound % DAY_MS}
    odd = {quarter_of(day) for day in asked if day < quarter_of(first)}
    within = {quarter_of(day) for _, begin, end in spans[has_history:] for day in _quarters(begin, end)} | {
        quarter_of(first)
    }
    quarters = (Quarter(each, tuple(_bits(each, spans, cut))) for each in sorted(odd | within))
    return Days(
        tuple(each for each in quarters if each.bits),
        quarter_of(first) if has_history else None,
        tuple(sorted(odd)),
        tuple(sorted(cut)),
    )


def _bits(quarter: Day, spans: Sequence[tuple[int, Day, Day]], cut: set[Day]) -> Iterator[tuple[int, int]]:
    after = next_quarter(quarter)
    for number, begin, end in spans:
        bits = sum(1 << day - quarter for day in range(max(begin, quarter), min(end, after)) if day not in cut)
        if bits:
            yield number, bits


def _quarters(begin: Day, end: Day) -> Iterator[Day]:
    """The quarters of the days from one to before another."""
    quarter = quarter_of(begin)
    while quarter < end:
        yield quarter
        quarter = next_quarter(quarter)


def day_of(ms: int) -> Day:
    """The day of a moment."""
    return min(ms // DAY_MS, LAST)


def date_of(day: Day) -> date:
    """The same as a date."""
    return date(1970, 1, 1) + timedelta(days=min(day, LAST))


def quarter_of(day: Day) -> Day:
    """The first day of a day's quarter."""
    found = date_of(day)
    return day - (found - found.replace(month=found.month - (found.month - 1) % 3, day=1)).days


def next_quarter(quarter: Day) -> Day:
    """The first day of the one after it."""
    return quarter_of(quarter + 92)
