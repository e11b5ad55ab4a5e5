"""The periods of a report: whole hours, days, weeks or months of local time, up to a moment."""

from dataclasses import replace
from typing import Literal
from zoneinfo import ZoneInfo

from api.problems import BadParameter
from api.query.bucket import USUAL_MS, begins
from api.query.scoped import Scoped
from clickhouse.reports.grid import Grid
from clickhouse.reports.scope import Scope

Interval = Literal["hour", "day", "week", "month"]
MOST = 400
LONGEST_MS = {"month": 31 * 86_400_000}


def gridded(scope: Scope, interval: Interval, asked: Scoped, usual: int) -> tuple[Scope, Grid]:
    """The periods that a range touches, and the scope from the first one's beginning; the last `usual` ones where no time is named.

    Raises BadParameter for more than MOST periods.
    """
    zone, length = ZoneInfo(scope.timezone), LONGEST_MS.get(interval, USUAL_MS[interval])
    is_named = asked.period is not None or asked.start_date is not None
    start = scope.start_ms if is_named else max(scope.end_ms - usual * length, 0)
    if (scope.end_ms - start) // USUAL_MS[interval] > MOST:
        raise BadParameter("interval", f"would make more than {MOST} periods: shorten the range or choose longer ones")
    found = begins(interval, start, scope.end_ms + 2 * length, zone, "interval")
    inside = [begin for begin in found if begin < scope.end_ms]
    kept = inside if is_named else inside[-usual:]
    grid = Grid((*kept, found[len(inside)]))
    return replace(scope, start_ms=grid.start_ms), grid
