"""What of the minute aggregates a rule counts. Rules that count the same share their series."""

from __future__ import annotations

from typing import NamedTuple

from pulse.alerting.rule import Rule
from pulse.minute import Partial

ALL: str = ""
"""The group of a rule that has none."""


class Counted(NamedTuple):
    """What one partial adds: to which group, above the line and below it."""

    group: str
    value: int
    volume: int


class Selector(NamedTuple):
    """The part of a rule by which partials are counted."""

    metric: str
    currency: str
    of: frozenset[str]
    over: frozenset[str]
    events: frozenset[str]
    countries: frozenset[str]
    device_types: frozenset[str]
    group_by: str
    vital: str = ""
    bands: frozenset[str] = frozenset()

    @property
    def is_money(self) -> bool:
        """Whether values are ten-thousandths of a currency."""
        return self.metric == "revenue"

    @property
    def is_one(self) -> bool:
        """Whether the value is the volume."""
        return self.metric == "events"

    def takes(self, event: str, country: str, device_type: str, currency: str) -> bool:
        """Whether partials of such a key count at all."""
        return (
            (not self.countries or country in self.countries)
            and (not self.device_types or device_type in self.device_types)
            and (not self.currency or currency == self.currency)
            and (not self.events or event in self.events)
            and (self.metric != "ratio" or not self.over or event in self.over or event in self.of)
        )

    def counted(self, partial: Partial) -> Counted:
        """What a partial adds; it must be one that is taken."""
        group = getattr(partial, self.group_by) if self.group_by else ALL
        if self.metric == "events":
            return Counted(group, partial.events, partial.events)
        if self.metric == "revenue":
            return Counted(group, partial.revenue, partial.events)
        if self.metric == "bot_share":
            return Counted(group, partial.bots, partial.events)
        below = partial.events if not self.over or partial.event in self.over else 0
        return Counted(group, partial.events if partial.event in self.of else 0, below)


def selector_of(rule: Rule) -> Selector:
    """What a rule counts."""
    where = rule.where
    return Selector(
        rule.metric,
        rule.currency or "",
        frozenset(rule.of),
        frozenset(rule.over),
        frozenset(where.events),
        frozenset(where.countries),
        frozenset(where.device_types),
        rule.group_by or "",
        rule.vital or "",
        frozenset(where.risk),
    )
