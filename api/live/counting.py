"""What the live view counts: events of the last second, visitors of the last five minutes, the running minute."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.live.event import Brief
from api.live.part import Part, parts_of
from pulse.minute import MINUTE_MS, minute_of
from pulse.money import SCALE

PAGE_VIEW = "page_view"
ACTIVE_MS = 5 * MINUTE_MS
STEP_MS = 5_000
MOST_KEYS = 2_000
"""So many pages or names of a minute are told apart; the first ones, for a site that makes up new ones without end."""
MOST_VISITORS = 100_000
"""So many visitors of a site are told apart, within a minute and within five; who comes beyond that is not remembered."""
LEAST_VISITORS = 100
"""So many of them are told apart also where those of other sites have taken all the room."""
TOP = 10


@dataclass
class Minute:
    """A site's minute by the time of the events, so far."""

    begins: int
    events: int = 0
    page_views: int = 0
    bots: int = 0
    revenue: Counter[str] = field(default_factory=Counter)
    visitors: set[str] = field(default_factory=set)
    pages: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    is_capped: bool = False
    """Whether there was no room for somebody."""

    def add(self, part: Part, most: int) -> None:
        """Count events, and of their visitors as many as make `most` together."""
        self.events += part.events
        self.page_views += part.names.get(PAGE_VIEW, 0)
        self.bots += part.bots
        self.revenue.update(part.revenue)
        _count(self.names, part.names)
        _count(self.pages, part.pages)
        if len(self.visitors) + len(part.visitors) <= most:
            self.visitors.update(part.visitors)
        else:
            self._add_some(part.visitors, most)

    def _add_some(self, visitors: Iterable[str], most: int) -> None:
        for visitor in visitors:
            if len(self.visitors) < most:
                self.visitors.add(visitor)
            elif visitor not in self.visitors:
                self.is_capped = True

    def told(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "minute": self.begins,
            "events": self.events,
            "page_views": self.page_views,
            "visitors": len(self.visitors),
            **({"visitors_capped": True} if self.is_capped else {}),
            "bots": self.bots,
            "revenue": {currency: amount / 10**SCALE for currency, amount in sorted(self.revenue.items())},
            "pages": self.pages.most_common(TOP),
            "names": self.names.most_common(TOP),
        }


@dataclass
class Active:
    """Who was seen when, in steps of five seconds by the time of the events."""

    latest: dict[str, int] = field(default_factory=dict)
    steps: Counter[int] = field(default_factory=Counter)
    capped: int | None = None
    """When there was last no room for somebody, in ms since the epoch."""

    def see(self, visitors: Mapping[str, int], now: int, most: int) -> None:
        """Note visitors, by when each was seen last; those of more than five minutes ago not, nobody beyond `now`, and none new beyond `most`."""
        latest, steps, long_ago, current = self.latest, self.steps, now - ACTIVE_MS, now // STEP_MS
        for visitor, at in visitors.items():
            if at <= long_ago:
                continue
            step, before = min(at // STEP_MS, current), latest.get(visitor)
            if before is None and len(latest) >= most:
                self.capped = now
            elif before is None or step > before:
                latest[visitor] = step
                steps[step] += 1
                if before is not None:
                    steps[before] -= 1

    def count(self, now: int) -> int:
        """The visitors of the last five minutes."""
        oldest = (now - ACTIVE_MS) // STEP_MS
        return sum(count for step, count in self.steps.items() if step > oldest)

    def is_capped(self, now: int) -> bool:
        """Whether there may be more of them than are counted."""
        return self.capped is not None and self.capped > now - ACTIVE_MS

    def forget(self, now: int) -> None:
        """Let those go who count no longer."""
        oldest = (now - ACTIVE_MS) // STEP_MS
        self.latest = {visitor: step for visitor, step in self.latest.items() if step > oldest}
        self.steps = Counter({step: count for step, count in self.steps.items() if step > oldest})


@dataclass
class Site:
    """What is known of a site now."""

    active: Active = field(default_factory=Active)
    minutes: dict[int, Minute] = field(default_factory=dict)

    def minute(self, begins: int) -> Minute:
        """One of its minutes."""
        return self.minutes.get(begins) or Minute(begins)


class Counting:
    """Counts events as they are read; `now` is always in ms since the epoch.

    Over all sites `most_visitors` are held, one that is seen within five minutes and in both of the last ones thrice.
    """

    def __init__(self, most_visitors: int) -> None:
        self._most = most_visitors
        self._held = 0
        self._sites: dict[str, Site] = {}
        self._totals: dict[str, list[int]] = {}
        self._swept = 0

    def add(self, events: Iterable[Brief], now: int) -> None:
        """Count events that have just been read."""
        self.take(parts_of(events), now)

    def take(self, parts: Iterable[Part], now: int) -> None:
        """The same of events that are counted already, as far as that can be done of a record alone."""
        for part in parts:
            total = self._totals.setdefault(part.site, [0, 0])
            total[0] += part.events
            total[1] += part.names.get(PAGE_VIEW, 0)
            if part.begins + MINUTE_MS > now - ACTIVE_MS:
                self._take(self._sites.setdefault(part.site, Site()), part, now)

    def _take(self, site: Site, part: Part, now: int) -> None:
        latest = site.active.latest
        before = len(latest)
        site.active.see(part.visitors, now, self._room(before))
        self._held += len(latest) - before
        if minute_of(now) - MINUTE_MS <= part.begins <= now:
            minute = site.minutes.setdefault(part.begins, Minute(part.begins))
            before = len(minute.visitors)
            minute.add(part, self._room(before))
            self._held += len(minute.visitors) - before

    def _room(self, has: int) -> int:
        """How many visitors may be held where there are so many already."""
        return max(LEAST_VISITORS, min(MOST_VISITORS, has + self._most - self._held))

    def total(self, site_id: str) -> tuple[int, int]:
        """A site's events and page views since the beginning."""
        events, page_views = self._totals.get(site_id, (0, 0))
        return events, page_views

    def second(self, site_id: str, now: int, since: tuple[int, int] = (0, 0)) -> dict[str, Any]:
        """A site's events and page views since an earlier total, and its visitors of the last five minutes."""
        events, page_views = (after - before for after, before in zip(self.total(site_id), since, strict=True))
        site = self._sites.get(site_id) or Site()
        told = {"at": now, "events": events, "page_views": page_views, "visitors": site.active.count(now)}
        return told | ({"visitors_capped": True} if site.active.is_capped(now) else {})

    def aggregate(self, site_id: str, now: int) -> dict[str, Any]:
        """A site's running minute so far, and the whole one before it."""
        site = self._sites.get(site_id) or Site()
        current = minute_of(now)
        return {
            "at": now,
            "current": site.minute(current).told(),
            "previous": site.minute(current - MINUTE_MS).told(),
        }

    def sweep(self, now: int) -> None:
        """Each minute, forget what is of no use any more."""
        if minute_of(now) == self._swept:
            return
        self._swept = minute_of(now)
        for name, site in list(self._sites.items()):
            site.active.forget(now)
            site.minutes = {begins: each for begins, each in site.minutes.items() if begins >= now - 2 * MINUTE_MS}
            if not site.active.latest and not site.minutes:
                del self._sites[name]
        self._held = sum(map(_held, self._sites.values()))


def _held(site: Site) -> int:
    return len(site.active.latest) + sum(len(minute.visitors) for minute in site.minutes.values())


def _count(counter: Counter[str], found: Counter[str]) -> None:
    for key, count in found.items():
        if key in counter or len(counter) < MOST_KEYS:
            counter[key] += count
