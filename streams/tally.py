"""The events of a raw record counted: by minute of receipt for the ledger, by their own minute for the aggregates."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import NamedTuple

from pulse.event import RefinedEvent
from pulse.minute import MINUTE_MS
from streams.ledger import Counts

Group = tuple[str, int, int, str, str | None, str | None, str | None, bool]
"""What events have in common: site, minute of receipt, own minute, name, country, kind of device, currency, whether a bot sent it.

The minutes are counted since the epoch.
"""


class Counted(NamedTuple):
    """How many events there are of each group."""

    groups: Sequence[Group]
    counts: Counter[int]

    def by_receipt(self) -> Counts:
        """How many there are for each site and minute of receipt."""
        found: Counts = {}
        for number, count in self.counts.items():
            cell = self.groups[number][:2]
            found[cell] = found.get(cell, 0) + count
        return found

    def bots(self) -> int:
        """How many of them a bot sent."""
        return sum(count for number, count in self.counts.items() if self.groups[number][7])


class Tally:
    """The group of each event, in their order: a number, so that little is kept of each."""

    def __init__(self) -> None:
        self._groups: dict[Group, int] = {}
        self._numbers: list[int] = []

    def add(self, events: Iterable[RefinedEvent]) -> None:
        """Count these too."""
        groups, numbers = self._groups, self._numbers
        for e in events:
            ts: int = e.ts  # type: ignore[assignment]
            minutes = e.received_at // MINUTE_MS, ts // MINUTE_MS
            group = e.site_id, *minutes, e.event, e.country, e.device_type, e.currency, e.bot
            number = groups.get(group)
            if number is None:
                number = groups[group] = len(groups)
            numbers.append(number)

    def counted(self, fresh: Sequence[bool] | None = None) -> Counted:
        """The counts of all events, or of those that are `fresh`."""
        numbers = self._numbers if fresh is None else compress(self._numbers, fresh)
        return Counted(list(self._groups), Counter(numbers))
