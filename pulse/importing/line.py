"""What a reader makes of one line of a file: an event, or the reason why it is none."""

from typing import Any, NamedTuple


class Found(NamedTuple):
    """An event of the contract, and the content by which the line is told from every other.

    `content` is None where the event brings its own id.
    """

    number: int
    event: dict[str, Any]
    content: bytes | None


class Broken(NamedTuple):
    """A line that is no event: its number in the file, the reason, the field at fault, its text (cut)."""

    number: int
    reason: str
    field: str | None
    text: str


TEXT_KEPT = 200


def broken(number: int, line: bytes, reason: str, field: str | None = None) -> Broken:
    """A refused line, with as much of its text as is worth showing."""
    return Broken(number, reason, field, line[:TEXT_KEPT].decode(errors="replace").rstrip("\r\n"))
