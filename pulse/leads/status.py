"""What has become of a lead."""

from typing import Literal

Status = Literal["new", "seen", "forwarded", "closed", "spam"]

NEW: Status = "new"
OPEN: tuple[Status, ...] = (NEW, "seen")
"""Of which nothing has become yet."""
FORWARDED: Status = "forwarded"
