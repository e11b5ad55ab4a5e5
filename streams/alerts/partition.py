"""One partition of the minute aggregates: its sites, what is counted of them, and how far they are evaluated."""

import logging
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Any

from confluent_kafka import Message
from msgspec import json

from clickhouse.alerting import Applied
from pulse.alerting.rule import AHEAD, CATCH_UP, LAG
from pulse.alerting.site import Site, Told
from pulse.errors import PlaceError
from pulse.minute import MINUTE_MS, Partial
from pulse.place import Place, place_of
from streams.alerts import figures
from streams.alerts.reader import Reached
from streams.decode import UNDECODABLE
from streams.record import Taken, told

MOST = 1 << 31
MOST_MONEY = 1 << 61
MOST_ASKED = 720
"""Minutes that one answer of the store covers."""
FIRST_OPEN, LAST_OPEN = 3, 2
"""Of many minutes that are not closed, which are looked at: those in which late data arrives, and those of now."""

log = logging.getLogger(__name__)
_decoder = json.Decoder(Partial)


@dataclass
class Counted:
    """A site, and up to which places it is counted."""

    site: Site
    applied: Applied


@dataclass
class Partition:
    """The sites of a partition; `minute` is the last that is closed, `asked` that of rules on stored events, `lagged` that of rules on how far Pulse is behind, `evaluated` and `evaluated_asked` the last that were before the start, `offset` what is read next, `awaited` where it must come to before anything is told."""

    number: int
    minute: int
    offset: int
    awaited: int = 0
    newest_ms: int = 0
    evaluated: int = 0
    asked: int = 0
    evaluated_asked: int = 0
    lagged: int = 0
    sites: dict[str, Counted] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def take(self, message: Message) -> None:
        """Count a record; what was counted before, or is no partial, changes nothing."""
        self.offset = (message.offset() or 0) + 1
        self.newest_ms = max(self.newest_ms, message.timestamp()[1])
        figures.RECORDS.inc()
        if self.sites:
            self.changed |= count(taken(message), self.number, self.sites, time() * 1000)

    def sure_ms(self, end: int, now_ms: int, unrefined_ms: int | None) -> int:
        """Up to which moment nothing is on its way: now, unless the log holds more, or refinement has not come to its end."""
        sure = now_ms if self.offset >= end else self.newest_ms
        return sure if unrefined_ms is None else min(sure, unrefined_ms)

    def close(self, until: int, most: int) -> Iterator[Told]:
        """Evaluate the minutes that are to be closed, at most so many."""
        for minute in range(self.minute + 1, min(until, self.minute + most) + 1):
            for counted in self.sites.values():
                yield from counted.site.close(minute, self.evaluated)
            self.minute = minute
            figures.CLOSED.inc()

    def close_asked(self, sites: Mapping[str, Site], until: int, metrics: Container[str]) -> Iterator[Told]:
        """Evaluate minutes for rules of some metrics of which the store was asked, up to one of which all is stored."""
        for minute in range(self.asked + 1, min(until, self.asked + MOST_ASKED) + 1):
            for site in sites.values():
                yield from site.close_asked(minute, metrics, self.evaluated_asked)
            self.asked = minute

    def close_lag(self, sites: Mapping[str, Site], until: int, metric: str) -> Iterator[Told]:
        """The same of rules on how far Pulse is behind, which wait for nothing."""
        for minute in range(max(self.lagged, until - CATCH_UP) + 1, until + 1):
            for site in sites.values():
                yield from site.close_asked(minute, (metric,))
            self.lagged = minute

    def follow(self) -> None:
        """While nothing is asked for, what would be is taken to be evaluated as far as all else."""
        if not self._asks:
            self.asked = max(self.minute, self.evaluated)
        if not any(counted.site.asked for counted in self.sites.values()):
            self.lagged = self.minute

    @property
    def reached(self) -> Reached:
        """How far it is read and evaluated; what is looked at again after a start was evaluated before."""
        minute = max(self.minute, self.evaluated)
        asked = max(self.asked, self.evaluated_asked) if self._asks else minute
        return Reached(self.offset, minute, asked)

    @property
    def _asks(self) -> bool:
        return any(q.selector.metric != LAG for counted in self.sites.values() for q in counted.site.asked)

    def run(self, now_ms: int) -> Iterator[Told]:
        """Look at what has changed within minutes that are not closed."""
        changed, self.changed = self.changed, set()
        minutes = open_minutes(self.minute + 1, now_ms // MINUTE_MS)
        for name in changed:
            yield from self.sites[name].site.run(minutes, now_ms)


def taken(message: Message) -> Taken:
    """A record with its headers."""
    headers: Any = message.headers() or ()
    return told(message)._replace(headers=tuple(headers))


def open_minutes(first: int, last: int) -> list[int]:
    """The open minutes that are looked at: all, or of many the first and the last."""
    if last - first < FIRST_OPEN + LAST_OPEN:
        return list(range(first, last + 1))
    return [*range(first, first + FIRST_OPEN), *range(last - LAST_OPEN + 1, last + 1)]


def count(record: Taken, number: int, sites: dict[str, Counted], now_ms: float) -> set[str]:
    """Count a record of partition `number` for some sites; those that it changed. What lies far ahead of now is no minute."""
    try:
        place = place_of(list(record.headers))
    except PlaceError as error:
        log.warning("a record is passed over: %s", error, extra={"offset": record.offset})
        return set()
    touched: dict[tuple[str, int], Counted] = {}
    most_ms = now_ms + AHEAD * MINUTE_MS
    mark = f"{place.log}:{number}:{place.partition}"
    for partial in _partials(record.value):
        counted = sites.get(partial.site_id)
        if counted is not None and _is_possible(partial, most_ms):
            month = month_of(partial.minute // MINUTE_MS)
            if place.number <= counted.applied.get((month, mark), -1):
                figures.SKIPPED.inc()
                continue
            counted.site.add(partial)
            touched[partial.site_id, month] = counted
    return _applied(touched, mark, place)


def _applied(touched: dict[tuple[str, int], Counted], mark: str, place: Place) -> set[str]:
    for (_, month), counted in touched.items():
        counted.applied[month, mark] = place.number
    return {name for name, _ in touched}


@lru_cache(100_000)
def month_of(minute: int) -> int:
    """The month of a minute since the epoch, as 202611."""
    when = datetime.fromtimestamp(minute * 60, UTC)
    return when.year * 100 + when.month


def _is_possible(partial: Partial, most_ms: float) -> bool:
    return (
        0 <= partial.minute <= most_ms
        and 0 <= partial.events < MOST
        and 0 <= partial.bots < MOST
        and abs(partial.revenue) < MOST_MONEY
    )


def _partials(value: bytes) -> list[Partial]:
    try:
        return _decoder.decode_lines(value)
    except UNDECODABLE:
        return list(_one_by_one(value.split(b"\n")))


def _one_by_one(lines: Iterable[bytes]) -> Iterator[Partial]:
    for line in lines:
        try:
            yield _decoder.decode(line)
        except UNDECODABLE:
            continue
