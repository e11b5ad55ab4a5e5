"""Who was there in which periods."""

from dataclasses import dataclass

from clickhouse.reports.filter import Parameters
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.scope import Scope, Unit
from clickhouse.reports.statement import text_of

TABLE = "events"


@dataclass(frozen=True)
class Activity:
    """Rows of `who` and `period`, one for each time somebody was there.

    With `has_history` there are rows of period 0 for those who were there before the first period; else none.
    """

    scope: Scope
    unit: Unit
    grid: Grid
    has_history: bool
    what: Happening = ANYTHING
    where: str = "event"

    def rows(self, bound: Parameters) -> str:
        """What stands behind FROM; raises QueryError for a filter that cannot be."""
        bound["since"] = 0 if self.has_history else self.grid.start_ms
        return text_of(
            "activity_counted",
            who=self.scope.who(self.unit),
            period=self.grid.number("toUnixTimestamp64Milli(ts)", bound),
            passes=f"{self.scope.filtered(bound)} AND {self.what.sql(bound, self.where)}",
        )
