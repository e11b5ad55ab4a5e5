"""Where a client stands in the log: for each partition, the record and the line that it is to be given next.

A position names places of the log itself, so that any process can go on from where another has stopped.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pulse.errors import PulseError
from pulse.topics import ALERTS, EVENTS

TOPICS = (EVENTS, ALERTS)
LONGEST = 40_000
"""Characters of an id: enough for both topics with 1,024 partitions each."""


class BadId(PulseError):
    """A text that no process gave as an id."""


class Where(NamedTuple):
    """A topic and a partition."""

    topic: str
    partition: int


class Mark(NamedTuple):
    """A line of a record of a partition."""

    offset: int
    line: int = 0


Position = Mapping[Where, Mark]
"""The mark of every partition of both topics."""


def id_of(log: str, position: Position) -> str:
    """The position as the id that clients send back; `log` tells this log from one that was made anew."""
    return "~".join([log, *(".".join(_marks(position, topic)) for topic in TOPICS)])


def position_of(text: str) -> tuple[str, dict[Where, Mark]]:
    """The log and the position of an id; raises BadId."""
    log, *topics = text.split("~")
    if len(topics) != len(TOPICS) or len(text) > LONGEST:
        raise BadId("is not an id that the live view gave")
    return log, {
        Where(topic, number): _mark(mark)
        for topic, marks in zip(TOPICS, topics, strict=True)
        for number, mark in enumerate(marks.split("."))
    }


def _marks(position: Position, topic: str) -> list[str]:
    marks = sorted((where.partition, mark) for where, mark in position.items() if where.topic == topic)
    return [f"{mark.offset}:{mark.line}" if mark.line else str(mark.offset) for _, mark in marks]


def _mark(text: str) -> Mark:
    offset, colon, line = text.partition(":")
    numbers = (offset, line) if colon else (offset,)
    if not all(number.isascii() and number.isdigit() and len(number) < 20 for number in numbers):
        raise BadId("is not an id that the live view gave")
    return Mark(*map(int, numbers))
