"""What a step is given, and what it may answer."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pulse.event import RefinedEvent
from pulse.rejection import Reason
from pulse.risk.packed import Seen


class Refusal(NamedTuple):
    """Why an event goes no further: the reason, the field at fault, and what is wrong with it."""

    reason: Reason
    field: str
    detail: str


Judge = Callable[[Seen], tuple[tuple[Any, ...], tuple[Any, ...]]]
"""What is said of an event's device, once it is known where that was seen: scores and words."""


class Arrival:
    """Where an event comes from: log id, partition and offset of its record, and `index` among the record's lines.

    `timestamp` is when the record was written, in ms since the epoch. The `country` that the address tells is
    what an earlier step has found for later ones, as is whether `hints_differ` from the user agent; `met` are events of devices that are to be judged by where they were seen.
    """

    __slots__ = ("country", "hints_differ", "index", "log", "met", "offset", "partition", "timestamp")

    def __init__(self, log: str, partition: int, offset: int, timestamp: int, index: int = 0) -> None:
        self.log = log
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.index = index
        self.country = ""
        self.hints_differ: bool | None = None
        self.met: list[tuple[RefinedEvent, Judge]] = []


Step = Callable[[RefinedEvent, Arrival], Refusal | None]
