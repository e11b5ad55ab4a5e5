"""Days as bits of their quarters: each day that lies in a period as a whole is told by it, and no other."""

import random
from itertools import pairwise

from clickhouse.reports.daybits import DAY_MS, quarter_of, split

HOUR_MS = 3_600_000
YEARS = 20_000
"""A day of 2024, which has a 29th of February."""


def test_each_whole_day_is_told_by_the_period_that_it_lies_in() -> None:
    dice, seen = random.Random(5), set[str]()
    for _ in range(60):
        length = dice.choice((6, 24, 24 * 7, 24 * 30, 24 * 100)) * HOUR_MS
        start = (YEARS + dice.randrange(500)) * DAY_MS + dice.choice((0, 0, 5)) * HOUR_MS
        begins = [start + n * length for n in range(dice.randrange(2, 9))]
        end = begins[-1] - dice.choice((0, 0, 1, HOUR_MS, length // 2))
        has_history = dice.random() < 0.5
        doubtful = {dice.randrange(YEARS - 300, end // DAY_MS) for _ in range(dice.randrange(4))}
        days = split(begins, end, has_history, doubtful)
        told = {
            q.first + n: number for q in days.quarters for number, bits in q.bits for n in range(92) if bits >> n & 1
        }
        for day in range(YEARS - 400, end // DAY_MS + 100):
            at = (day * DAY_MS, (day + 1) * DAY_MS)
            bounds = [0, *(begin for begin in begins if begin < end), end]
            inside = [n for n, (a, b) in enumerate(pairwise(bounds)) if a <= at[0] and at[1] <= b]
            right = inside[0] if inside and day not in days.cut and (inside[0] or has_history) else None
            past = days.past is not None and day < days.past and quarter_of(day) not in days.odd
            assert (0 if past else told.get(day)) == right, (begins, end, day)
            is_read = at[0] < end and at[1] > (0 if has_history else begins[0])
            assert right is not None or not is_read or day in days.cut
            seen |= {"past" if past else "", "cut" if day in days.cut else "", "told" if right else ""}
    assert seen == {"", "past", "cut", "told"}
