"""Who was there in which periods: from `activity_days` where that tells it exactly, else from the events.

`activity_days` knows hours of UTC, visitors and people by their hashes, and bots; nothing of what happened. It tells of
periods that are made of whole hours; the hour in which the range ends is read from the events.
"""

from dataclasses import dataclass

from clickhouse.reports.filter import NOTHING, Parameters
from clickhouse.reports.grid import HOUR_MS, Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.scope import WHO, Scope, Unit
from clickhouse.reports.statement import text_of

DAY_MS = 24 * HOUR_MS
ALL_HOURS = (1 << 24) - 1
TABLE = "activity_days"
KEPT: dict[Unit, tuple[str, str]] = {
    "users": ("person", f"cityHash64({WHO['users']})"),
    "visitors": ("visitor", "cityHash64(visitor_id)"),
}
"""A unit's column in `activity_days`, and what it is of an event."""
HOURS = {"include": "bitOr(hours, bot_hours)", "exclude": "hours", "only": "bot_hours"}


@dataclass(frozen=True)
class Activity:
    """Rows of `who` and `period`, one or more for each period in which somebody was there.

    With `has_history` there are rows of period 0 for those who were there before the first period; else none.
    """

    scope: Scope
    unit: Unit
    grid: Grid
    has_history: bool
    what: Happening = ANYTHING
    where: str = "event"

    @property
    def is_kept(self) -> bool:
        """Whether `activity_days` tells it."""
        return self.unit in KEPT and self.what.is_anything and self.scope.filter == NOTHING and self.grid.is_of_hours

    @property
    def source(self) -> str:
        """The table that is read."""
        return TABLE if self.is_kept else "events"

    def rows(self, bound: Parameters) -> str:
        """What stands behind FROM; raises QueryError for a filter that cannot be."""
        bound["since"] = 0 if self.has_history else self.grid.start_ms
        return self._kept(bound) if self.is_kept else self._counted(bound)

    def _counted(self, bound: Parameters) -> str:
        return text_of(
            "activity_counted",
            who=WHO[self.unit],
            period=self.grid.number("toUnixTimestamp64Milli(ts)", bound),
            passes=f"{self.scope.filtered(bound)} AND {self.what.sql(bound, self.where)}",
        )

    def _kept(self, bound: Parameters) -> str:
        whole = self.scope.end_ms - self.scope.end_ms % HOUR_MS
        bound["whole"] = whole
        bound["last"] = whole // DAY_MS
        bound["of_last"] = (1 << whole % DAY_MS // HOUR_MS) - 1
        column, hashed = KEPT[self.unit]
        return text_of(
            "activity_kept",
            column=column,
            hashed=hashed,
            hours=HOURS[self.scope.bots],
            of_hour=self.grid.number("toInt64(toUInt16(day) * 86400000 + hour * 3600000)", bound),
            of_event=self.grid.number("toUnixTimestamp64Milli(ts)", bound),
            passes=self.scope.filtered(bound),
        )
