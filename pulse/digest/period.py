"""The periods of summaries, by the clock of the site's time zone. Moments are ms since the epoch."""

from datetime import UTC, date, datetime, time
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pulse.minute import MINUTE_MS

Kind = Literal["minute", "hour", "day"]
KINDS: tuple[Kind, ...] = get_args(Kind)

HOUR_MS = 60 * MINUTE_MS


class Period(NamedTuple):
    """From `start` up to `end`; the one before goes from `before` up to `start`."""

    kind: Kind
    before: int
    start: int
    end: int


def last_ended(kind: Kind, timezone: str, now_ms: int) -> Period:
    """The last period that is over at a moment."""
    zone = ZoneInfo(timezone)
    end = start_of(kind, zone, now_ms)
    start = start_of(kind, zone, end - 1)
    return Period(kind, start_of(kind, zone, start - 1), start, end)


def start_of(kind: Kind, zone: ZoneInfo, ms: int) -> int:
    """When the period began that a moment lies in. A day lasts from midnight to midnight: 23 or 25 hours where clocks are changed."""
    if kind == "minute":
        return ms - ms % MINUTE_MS
    if kind == "day":
        return _ms(datetime.combine(_day(zone, ms), time(), zone))
    local = datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone)
    return ms - ms % 1000 - (local.minute * 60 + local.second) * 1000


def missed(period: Period, timezone: str, told: int) -> int:
    """How many periods of the kind lie between the end of the one that was told last and this one."""
    if period.kind == "day":
        zone = ZoneInfo(timezone)
        return max((_day(zone, period.start) - _day(zone, told)).days, 0)
    return max(round((period.start - told) / (MINUTE_MS if period.kind == "minute" else HOUR_MS)), 0)


def _day(zone: ZoneInfo, ms: int) -> date:
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone).date()


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
