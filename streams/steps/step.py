"""What a step is given, and what it may answer."""

from collections.abc import Callable
from typing import NamedTuple

from pulse.event import RefinedEvent
from pulse.rejection import Reason


class Refusal(NamedTuple):
    """Why an event goes no further: the reason, the field at fault, and what is wrong with it."""

    reason: Reason
    field: str
    detail: str


class Page(NamedTuple):
    """What a url tells; `campaign` holds the five utm values, `click` an advertising network's parameter."""

    host: str = ""
    path: str = ""
    campaign: tuple[str | None, ...] | None = None
    click: str = ""


NO_PAGE = Page()


class Arrival:
    """Where an event comes from: log id, partition and offset of its record, and `index` among the record's lines.

    `timestamp` is when the record was written, in ms since the epoch. `page`, the `country` that the address tells, and the provider whose
    crawler the user agent `claims` to be, are what earlier steps have found for later ones.
    """

    __slots__ = ("claims", "country", "index", "log", "offset", "page", "partition", "timestamp")

    def __init__(self, log: str, partition: int, offset: int, timestamp: int, index: int = 0) -> None:
        self.log = log
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.index = index
        self.page = NO_PAGE
        self.claims = ""
        self.country = ""


Step = Callable[[RefinedEvent, Arrival], Refusal | None]
