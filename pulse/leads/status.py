"""What has become of a lead."""

from typing import Literal, get_args

Status = Literal["new", "seen", "forwarded", "closed", "spam"]

EVERY: tuple[Status, ...] = get_args(Status)
NEW: Status = "new"
OPEN: tuple[Status, ...] = (NEW, "seen")
"""Of which nothing has become yet."""
FORWARDED: Status = "forwarded"
