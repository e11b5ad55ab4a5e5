"""A record's events counted where it is read: one part for each site and minute, which the event loop adds to what it knows.

To hand each event over costs more than to count it: what one thread made another one's core has to fetch.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from api.live.event import Brief
from pulse.minute import MINUTE_MS
from pulse.money import units


class Part(NamedTuple):
    """Events of a site and a minute by their own time, which begins at `begins`; of each visitor when they were seen last, in ms."""

    site: str
    begins: int
    events: int
    bots: int
    names: Counter[str]
    pages: Counter[str]
    visitors: dict[str, int]
    revenue: Counter[str]


def parts_of(events: Iterable[Brief]) -> list[Part]:
    """The parts of some events."""
    groups: dict[tuple[str, int], list[Brief]] = {}
    for event in events:
        key = event.site_id, event.ts // MINUTE_MS
        group = groups.get(key)
        if group is None:
            groups[key] = [event]
        else:
            group.append(event)
    return [_part(site, minute * MINUTE_MS, group) for (site, minute), group in groups.items()]


def _part(site: str, begins: int, events: list[Brief]) -> Part:
    names = Counter([event.event for event in events])
    pages = Counter([event.path for event in events])
    pages.pop("", None)
    bots = sum([event.bot for event in events])
    return Part(site, begins, len(events), bots, names, pages, _visitors(events), _revenue(events))


def _visitors(events: list[Brief]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for event in events:
        visitor, at = event.visitor_id, event.ts
        if latest.get(visitor, at) <= at:
            latest[visitor] = at
    latest.pop("", None)
    return latest


def _revenue(events: list[Brief]) -> Counter[str]:
    revenue: Counter[str] = Counter()
    for event in events:
        if event.revenue:
            revenue[event.currency] += units(event.revenue)
    return revenue
