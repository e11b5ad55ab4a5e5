"""What the reports share that ask who was there in which periods."""

from time import perf_counter
from typing import Any, Literal, Protocol

from pydantic import BaseModel, Field

from api.query.happening import HappeningForm
from api.query.scoped import Scoped
from api.query.stats import Meta
from clickhouse.reports.scope import Scope

PEOPLE = "People where known, else visitors; or visitors."


class ActivityAsked(Scoped):
    """Whose activity, and what makes somebody active."""

    active: HappeningForm = Field(HappeningForm(), description="What makes somebody active; any event if missing.")
    unit: Literal["users", "visitors"] = Field("users", description=PEOPLE)


class ActivityData(BaseModel):
    """Of what an answer is, and how it was found. Times are ms since the epoch."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    unit: str
    meta: Meta


class Found(Protocol):
    """What the store found."""

    @property
    def source(self) -> str:
        """The table that was read."""

    @property
    def rows_read(self) -> int:
        """How many of its rows."""


def shared(scope: Scope, asked: ActivityAsked, found: Found, began: float) -> dict[str, Any]:
    """What answers tell alike, of a question that was begun at a moment of `perf_counter`."""
    return {
        "site_id": scope.site_id,
        "start_date": scope.start_ms,
        "end_date": scope.end_ms,
        "timezone": scope.timezone,
        "unit": asked.unit,
        "meta": Meta(source=found.source, rows_read=found.rows_read, ms=round((perf_counter() - began) * 1000, 2)),
    }
