"""Why an event is refused: a closed set, each told to the caller or kept with the refused line."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """The reasons; docs/events.md lists each."""

    malformed = "malformed"
    """Not JSON, or not text in UTF-8."""
    invalid = "invalid"
    """A field is missing, of the wrong type or beyond its limit."""
    too_large = "too_large"
    """The event is larger than 32 kB."""
    too_many_properties = "too_many_properties"
    """More than 255 properties, or a name of more than 200 characters."""
    too_old = "too_old"
    """Older than the accepted lateness, sent with a key that may not import."""
    wrong_site = "wrong_site"
    """The event names a site that is not the key's."""
    no_site = "no_site"
    """A record produced straight to the log names no site."""
    unexpected = "unexpected"
    """Refinement failed on it, which is a fault of Pulse; the line is kept."""
    unstorable = "unstorable"
    """The store cannot take it, which is a fault of whoever wrote it past refinement; the line is kept."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One refused event: its place in the request, its id if it had one, the field at fault, and why."""

    index: int
    reason: Reason
    detail: str
    field: str | None = None
    event_id: str | None = None


class Refused(Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of a record of `pulse.events.rejected`: what was refused after it had been accepted, and why.

    `received_at` is in ms since the epoch, 0 if the line names none; `line` is the beginning of the
    refused line as text, and `index` its number within its raw record.
    """

    site_id: str = ""
    received_at: int = 0
    reason: str
    field: str = ""
    detail: str = ""
    event_id: str = ""
    line: str = ""
    index: int = 0
