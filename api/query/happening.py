"""What may happen to somebody, as clients send it: `{"event": "purchase", "filter": …}`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.query.filters import FilterForm
from clickhouse.reports.filter import NOTHING
from clickhouse.reports.happening import Happening


class HappeningForm(BaseModel):
    """An event of a name, or of any, that passes a filter."""

    model_config = ConfigDict(extra="forbid")

    event: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="The event's name; any if missing."
    )
    filter: FilterForm = NOTHING

    @property
    def happening(self) -> Happening:
        """What is meant."""
        return Happening(self.event or "", self.filter)
