"""The contiguous buckets of a range of time, by local time: what an answer fills with zeros."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.problems import BadParameter
from api.query.span import day_begin
from pulse.minute import MINUTE_MS

MOST = 10_000
HOUR_MS = 3_600_000
USUAL_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": 24 * HOUR_MS, "week": 7 * 24 * HOUR_MS}


def begins(group: str, start: int, end: int, zone: ZoneInfo) -> list[int]:
    """The beginnings of the minutes, hours, days or weeks (from Monday) that `start` ≤ time < `end` touches; all in ms.

    Days and weeks begin at local midnight; hours are counted from it. Raises BadParameter for more than MOST.
    """
    if (end - start) // USUAL_MS[group] > MOST:
        raise BadParameter(
            "group_by", f"would make more than {MOST:,} buckets: shorten the range or choose longer ones"
        )
    if group == "minute":
        return list(range(start - start % MINUTE_MS, end, MINUTE_MS))
    found = sorted(set(_local(group, start, end, zone)))
    first = max((begin for begin in found if begin <= start), default=start)
    return [begin for begin in found if first <= begin < end]


def _local(group: str, start: int, end: int, zone: ZoneInfo) -> Iterator[int]:
    for day in _days(start, end, zone, by_week=group == "week"):
        begin = day_begin(day, zone)
        if group == "hour":
            yield from range(begin, day_begin(day + timedelta(days=1), zone), HOUR_MS)
        else:
            yield begin


def _days(start: int, end: int, zone: ZoneInfo, by_week: bool) -> Iterator[date]:
    day = _date(start, zone) - timedelta(days=1)  # where a day was skipped or repeated, its neighbour begins the bucket
    if by_week:
        day -= timedelta(days=day.weekday())
    last = _date(end, zone)
    while day <= last:
        yield day
        day += timedelta(days=7 if by_week else 1)


def _date(ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(ms / 1000, zone).date()
