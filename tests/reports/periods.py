"""Periods of local time, by hand: told apart by their dates, hours by how many have passed since midnight."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

HALF_HOUR = 1_800_000


def label(ms: int, interval: str, zone: ZoneInfo) -> Any:
    """What tells the period of a moment from all others."""
    at = datetime.fromtimestamp(ms / 1000, zone)
    day = at.date()
    if interval == "hour":
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000
        return day, int((ms - midnight) // 3_600_000)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day if interval == "day" else (day.year, day.month)


@cache
def labels(start: int, end: int, interval: str, zone: ZoneInfo) -> list[Any]:
    """The periods that a range touches, in their order."""
    moments = (*range(start, end, HALF_HOUR), end - 1)
    return list(dict.fromkeys(label(ms, interval, zone) for ms in moments))
