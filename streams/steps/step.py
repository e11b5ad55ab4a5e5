"""What a step is given, and what it may answer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pulse.event import RefinedEvent
from pulse.rejection import Reason
from pulse.risk.packed import Seen


class Refusal(NamedTuple):
    """Why an event goes no further: the reason, the field at fault, and what is wrong with it."""

    reason: Reason
    field: str
    detail: str


Verdict = tuple[tuple[Any, ...], tuple[Any, ...]]
"""Scores and words."""
Judge = Callable[[Seen], Verdict]
"""What is said of an event's device, once it is known where that was seen."""


class Opinion(NamedTuple):
    """What is said of an event of a device by its client alone, who says it, and the system and the kind of network it came from."""

    verdict: Verdict
    judge: Judge
    asn: int
    network: str


class Arrival:
    """Where an event comes from: log id, partition and offset of its record, and `index` among the record's lines.

    Of many that are taken at once the `indexes` are told instead. `timestamp` is when the record was written, in ms since the
    epoch. The `country` that the address tells is what an earlier step has found for later ones, as is whether `hints_differ` from
    the user agent; `met` are events of devices that are to be judged by where they were seen, with what was said of each without that.
    """

    __slots__ = ("country", "hints_differ", "index", "indexes", "log", "met", "offset", "partition", "timestamp")

    def __init__(self, log: str, partition: int, offset: int, timestamp: int, index: int = 0) -> None:
        self.log = log
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.index = index
        self.indexes: Sequence[int] = ()
        self.country = ""
        self.hints_differ: bool | None = None
        self.met: list[tuple[RefinedEvent, Opinion]] = []


Step = Callable[[RefinedEvent, Arrival], Refusal | None]
Many = Callable[[Sequence[RefinedEvent], Arrival], bool]
"""A step over many events at once. False where one of them is refused: which, and why, is told by taking each anew."""


class Together:
    """A step that takes many events at once too: to call a function for each costs as much as most steps do."""

    def __init__(self, step: Step, many: Many) -> None:
        self.__qualname__ = step.__qualname__
        self.many = many
        self._step = step

    def __call__(self, event: RefinedEvent, arrival: Arrival) -> Refusal | None:
        """Take one event."""
        return self._step(event, arrival)


def take(steps: Sequence[Step], events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """Take many events through the steps, one step after the other; False where one is refused. They are then of no more use."""
    for step in steps:
        many: Many | None = getattr(step, "many", None)
        if not (many(events, arrival) if many else _one_by_one(step, events, arrival)):
            return False
    return True


def _one_by_one(step: Step, events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    for event, index in zip(events, arrival.indexes, strict=True):
        arrival.index = index
        if step(event, arrival) is not None:
            return False
    return True
