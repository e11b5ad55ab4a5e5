"""Who was there when, by hand: what the reports of lifecycle, stickiness and active people must answer."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clickhouse.reports.activity import Activity
from tests.reports.events import Event
from tests.reports.periods import label, labels
from tests.reports.retention import happens, who


def there(events: Sequence[Event], asked: Activity) -> list[tuple[str, int]]:
    """Who was there and at which moments, up to the end of the range."""
    scope = asked.scope
    return [
        (who(event, asked.unit), event.ts)
        for event in events
        if event.site_id == scope.site_id
        and event.ts < scope.end_ms
        and happens(event, asked.what, scope.filter, scope.bots)
    ]


def lifecycle(events: Sequence[Event], asked: Activity, start: int, interval: str) -> list[dict[str, int]]:
    """For each period from that of `start` on how many are in each state."""
    zone = ZoneInfo(asked.scope.timezone)
    seen: dict[Any, set[str]] = {}
    for name, ts in there(events, asked):
        seen.setdefault(label(ts, interval, zone), set()).add(name)
    found = []
    for period in labels(start, asked.scope.end_ms, interval, zone):
        present = seen.get(period, set())
        ago = seen.get(_before(period, interval, zone), set())
        earlier = set().union(*(names for other, names in seen.items() if other < period))
        found.append(
            {
                "new": len(present - earlier),
                "returning": len(present & ago),
                "resurrecting": len((present & earlier) - ago),
                "dormant": len(ago - present),
            }
        )
    return found


def stickiness(events: Sequence[Event], asked: Activity, interval: str) -> dict[int, int]:
    """How many were there in exactly so many periods of the range."""
    zone = ZoneInfo(asked.scope.timezone)
    periods: dict[str, set[Any]] = {}
    for name, ts in there(events, asked):
        if ts >= asked.scope.start_ms:
            periods.setdefault(name, set()).add(label(ts, interval, zone))
    return dict(Counter(len(own) for own in periods.values()))


def active(events: Sequence[Event], asked: Activity) -> list[tuple[int, int, int]]:
    """For each local day of the range how many were there on it, and within 7 and 30 days up to its end."""
    zone = ZoneInfo(asked.scope.timezone)
    seen = [(name, datetime.fromtimestamp(ts / 1000, zone).date()) for name, ts in there(events, asked)]
    days: list[date] = labels(asked.scope.start_ms, asked.scope.end_ms, "day", zone)
    return [
        (
            len({name for name, on in seen if on == day}),
            len({name for name, on in seen if day - timedelta(days=7) < on <= day}),
            len({name for name, on in seen if day - timedelta(days=30) < on <= day}),
        )
        for day in days
    ]


def _before(period: Any, interval: str, zone: ZoneInfo) -> Any:
    """The period before: of a day the day before, of an hour the one that ended when it began."""
    if interval == "hour":
        day, number = period
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000
        return label(int(midnight) + number * 3_600_000 - 1, interval, zone)
    if interval == "month":
        last = date(period[0], period[1], 1) - timedelta(days=1)
        return last.year, last.month
    return period - timedelta(days=7 if interval == "week" else 1)
