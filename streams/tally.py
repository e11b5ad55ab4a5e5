"""The events of a raw record counted: by minute of receipt for the ledger, by their own minute for the aggregates."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import NamedTuple

from pulse.event import RefinedEvent
from pulse.minute import MINUTE_MS, Key, Sums
from pulse.money import units
from streams.ledger import Counts

Group = tuple[str, int, int, str, str | None, str | None, str | None, bool]
"""What events have in common: site, minute of receipt, own minute, name, country, kind of device, currency, whether a bot sent it.

The minutes are counted since the epoch.
"""

NONE = Sums(0, 0, 0)


class Counted(NamedTuple):
    """How many events there are of each group, and the revenue of those that have any, in ten-thousandths."""

    groups: Sequence[Group]
    counts: Counter[int]
    revenue: Counter[int]

    def by_receipt(self) -> Counts:
        """How many there are for each site and minute of receipt."""
        found: Counts = {}
        for number, count in self.counts.items():
            cell = self.groups[number][:2]
            found[cell] = found.get(cell, 0) + count
        return found

    def by_minute(self) -> dict[Key, Sums]:
        """The sums for each key of the minute aggregates."""
        found: dict[Key, Sums] = {}
        for number, count in self.counts.items():
            site, _, minute, event, country, device_type, currency, is_bot = self.groups[number]
            key = Key(site, minute * MINUTE_MS, event, country or "", device_type or "", currency or "")
            events, bots, revenue = found.get(key, NONE)
            found[key] = Sums(events + count, bots + count * is_bot, revenue + self.revenue[number])
        return found

    def bots(self) -> int:
        """How many of them a bot sent."""
        return sum(count for number, count in self.counts.items() if self.groups[number][7])


class Tally:
    """The group of each event, in their order: a number, so that little is kept of each."""

    def __init__(self) -> None:
        self._groups: dict[Group, int] = {}
        self._numbers: list[int] = []
        self._revenue: dict[int, int] = {}

    def add(self, events: Iterable[RefinedEvent]) -> None:
        """Count these too."""
        groups, numbers = self._groups, self._numbers
        for e in events:
            ts: int = e.ts  # type: ignore[assignment]
            received, own = e.received_at // MINUTE_MS, ts // MINUTE_MS
            group = e.site_id, received, own, e.event, e.country, e.device_type, e.currency, e.bot
            number = groups.get(group)
            if number is None:
                number = groups[group] = len(groups)
            if e.revenue is not None:
                self._revenue[len(numbers)] = units(e.revenue)
            numbers.append(number)

    def counted(self, fresh: Sequence[bool] | None = None) -> Counted:
        """The counts of all events, or of those that are `fresh`."""
        numbers = self._numbers if fresh is None else compress(self._numbers, fresh)
        revenue: Counter[int] = Counter()
        for at, amount in self._revenue.items():
            if fresh is None or fresh[at]:
                revenue[self._numbers[at]] += amount
        return Counted(list(self._groups), Counter(numbers), revenue)
