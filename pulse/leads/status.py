"""What has become of a lead."""

from typing import Literal

Status = Literal["new", "seen", "forwarded", "closed", "spam"]

NEW: Status = "new"
FORWARDED: Status = "forwarded"
