"""The time that a question is about: from its parameters to a range in ms."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.problems import BadParameter
from pulse.event import MAX_MS
from pulse.minute import MINUTE_MS, minute_of

USUAL_PERIOD = "24h"
UNIT_MS = {"m": MINUTE_MS, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
PERIOD = r"^[1-9]\d{0,3}[mhdw]$"

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MS = re.compile(r"\d{1,15}", re.ASCII)


def span(start: str | None, end: str | None, period: str | None, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """The first moment and the one after the last, in ms; raises BadParameter.

    A period ends with the minute of `now`, which is in it. So does a start without an end.
    """
    if period is not None and (start is not None or end is not None):
        raise BadParameter("period", "is given together with start_date or end_date: choose one of the two ways")
    after = minute_of(now) + MINUTE_MS
    if start is None:
        if end is not None:
            raise BadParameter("start_date", "is required with end_date")
        return max(after - length(period or USUAL_PERIOD), 0), after
    begin = moment("start_date", start, zone)
    stop = after if end is None else moment("end_date", end, zone, is_end=True)
    if stop <= begin:
        raise BadParameter("end_date" if end is not None else "start_date", "the end must lie after the start")
    return begin, stop


def length(period: str) -> int:
    """A period such as `24h` in ms."""
    return int(period[:-1]) * UNIT_MS[period[-1]]


def moment(parameter: str, text: str, zone: ZoneInfo, is_end: bool = False) -> int:
    """A moment in ms: ms since the epoch, an ISO 8601 time, or a date; raises BadParameter.

    What names no zone is local time of `zone`. A date is its first moment, or as an end the moment after its last.
    """
    try:
        ms = int(text) if _MS.fullmatch(text) else _parsed(text, zone, is_end)
    except (ValueError, OverflowError):
        raise BadParameter(parameter, "is neither ms since the epoch nor an ISO 8601 time or date") from None
    if not 0 <= ms <= MAX_MS:
        raise BadParameter(parameter, "lies outside of 1970 to 2100")
    return ms


def day_begin(day: date, zone: ZoneInfo) -> int:
    """The first moment of a local day, in ms: where the clocks skip midnight, the moment of the skip."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def _parsed(text: str, zone: ZoneInfo, is_end: bool) -> int:
    if _DATE.fullmatch(text):
        return day_begin(date.fromisoformat(text) + timedelta(days=int(is_end)), zone)
    found = datetime.fromisoformat(text)
    aware = found if found.tzinfo else found.replace(tzinfo=zone)
    return (aware.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
