"""What the reports share that ask who was there in which periods."""

from typing import Literal

from pydantic import Field

from api.query.happening import HappeningForm
from api.query.scoped import Scoped

PEOPLE = "People where known, else visitors; or visitors."


class ActivityAsked(Scoped):
    """Whose activity, and what makes somebody active."""

    active: HappeningForm = Field(HappeningForm(), description="What makes somebody active; any event if missing.")
    unit: Literal["users", "visitors"] = Field("users", description=PEOPLE)
