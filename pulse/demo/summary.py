"""What a run of the demo made: exact counts, to be compared with what is stored."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from pulse.demo.traffic import Sent


class Summary(Struct):
    """Counts of the sendings that were accepted.

    `events` counts distinct events by name; `revenue` sums them by currency; `first` and `last` are their times
    in ms since the epoch. `late` and `bots` count distinct events too.
    """

    sent: int = 0
    distinct: int = 0
    duplicates: int = 0
    late: int = 0
    bots: int = 0
    events: dict[str, int] = {}
    revenue: dict[str, Decimal] = {}
    first: int | None = None
    last: int | None = None
    refused: int = 0


class Count:
    """Counts sendings as they are accepted; it does not keep them."""

    def __init__(self) -> None:
        self.sent = self.duplicates = self.late = self.bots = self.refused = 0
        self._names: Counter[str] = Counter()
        self._revenue: Counter[str] = Counter()
        self._first: int | None = None
        self._last: int | None = None

    def add(self, sending: Sent) -> None:
        """One more sending that was accepted."""
        self.sent += 1
        if sending.again:
            self.duplicates += 1
            return
        self.late += sending.late
        self.bots += sending.bot
        self._names[sending.step.event] += 1
        if sending.step.revenue:
            self._revenue[sending.step.currency] += sending.step.revenue
        self._first = sending.ts if self._first is None else min(self._first, sending.ts)
        self._last = sending.ts if self._last is None else max(self._last, sending.ts)

    def summary(self) -> Summary:
        """The counts so far."""
        return Summary(
            sent=self.sent,
            distinct=self.sent - self.duplicates,
            duplicates=self.duplicates,
            late=self.late,
            bots=self.bots,
            events=dict(sorted(self._names.items())),
            revenue={currency: Decimal(total).scaleb(-4) for currency, total in sorted(self._revenue.items())},
            first=self._first,
            last=self._last,
            refused=self.refused,
        )


def moment(ms: int | None) -> str:
    """A time in ms as text, to the second."""
    return "-" if ms is None else datetime.fromtimestamp(ms // 1000, UTC).isoformat(sep=" ").removesuffix("+00:00")
