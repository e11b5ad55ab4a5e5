"""What every report is asked of: a site, a range of time, a filter, with or without bots."""

from dataclasses import dataclass
from typing import Literal

from clickhouse.reports.filter import NOTHING, AllOf, Filter, Parameters, sql_of

Bots = Literal["include", "exclude", "only"]
Unit = Literal["users", "visitors", "sessions"]
"""Who is counted: people where known, else visitors; visitors; sessions."""

_BOTS = {"include": "1", "exclude": "NOT bot", "only": "bot"}


@dataclass(frozen=True)
class Scope:
    """The events of a site with `start_ms` ≤ time < `end_ms` that pass the filter; local time is that of `timezone`."""

    site_id: str
    start_ms: int
    end_ms: int
    timezone: str = "UTC"
    filter: Filter = NOTHING
    bots: Bots = "include"

    def parameters(self) -> dict[str, object]:
        """What each statement takes; `filtered` makes the rest."""
        return {
            "site": self.site_id,
            "start": self.start_ms,
            "end": self.end_ms,
            "timezone": self.timezone,
        }

    def filtered(self, bound: Parameters, *more: Filter) -> str:
        """The filter as an expression, with further ones."""
        return f"{_BOTS[self.bots]} AND {sql_of(AllOf((self.filter, *more)) if more else self.filter, bound)}"


WHO: dict[Unit, str] = {
    "users": "if(user_id = '', concat('v', visitor_id), concat('u', user_id))",
    "visitors": "visitor_id",
    "sessions": "session",
}
"""The expression that tells one unit from another; sessions only in the rows that `source.rows_of` makes for them."""
