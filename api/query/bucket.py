"""The contiguous buckets of a range of time, by local time: what an answer fills with zeros."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.problems import BadParameter
from api.query.span import day_begin
from pulse.minute import MINUTE_MS

MOST = 10_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
USUAL_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS}


def begins(group: str, start: int, end: int, zone: ZoneInfo, parameter: str = "group_by") -> list[int]:
    """The beginnings of the minutes, hours, days, weeks (from Monday) or months that `start` ≤ time < `end` touches; all in ms.

    Days, weeks and months begin at local midnight; hours are counted from it. Raises BadParameter for more than MOST.
    """
    if (end - start) // USUAL_MS[group] > MOST:
        raise BadParameter(parameter, f"would make more than {MOST:,} buckets: shorten the range or choose longer ones")
    if group == "minute":
        return list(range(start - start % MINUTE_MS, end, MINUTE_MS))
    found = sorted(set(_local(group, start, end, zone)))
    first = max((begin for begin in found if begin <= start), default=start)
    return [begin for begin in found if first <= begin < end]


def _local(group: str, start: int, end: int, zone: ZoneInfo) -> Iterator[int]:
    for day in _days(start, end, zone, group):
        begin = day_begin(day, zone)
        if group == "hour":
            yield from range(begin, day_begin(day + timedelta(days=1), zone), HOUR_MS)
        else:
            yield begin


def _days(start: int, end: int, zone: ZoneInfo, group: str) -> Iterator[date]:
    day = _date(start, zone) - timedelta(days=1)  # where a day was skipped or repeated, its neighbour begins the bucket
    if group == "week":
        day -= timedelta(days=day.weekday())
    elif group == "month":
        day = day.replace(day=1)
    last = _date(end, zone)
    while day <= last:
        yield day
        day = _after(day, group)


def _after(day: date, group: str) -> date:
    if group == "month":
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if group == "week" else 1)


def _date(ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(ms / 1000, zone).date()
