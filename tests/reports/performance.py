"""Measurements and errors by hand: quantiles by numpy, messages by Python's own regular expressions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from clickhouse.reports.scope import Scope
from tests.reports.events import Event
from tests.reports.filtering import text_of
from tests.reports.happening import counts
from tests.reports.periods import label

LIMITS = {"lcp": (2500, 4000), "inp": (200, 500), "cls": (0.1, 0.25), "fcp": (1800, 3000), "ttfb": (800, 1800)}
NAMES = (*LIMITS, "load")
DIFFERS = (
    (r"https?://[^\s\"')]+", "<url>"),
    (r"\"[^\"]*\"|'[^']*'|`[^`]*`", "<text>"),
    (r"\b(0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})\b", "<hex>"),
    (r"[0-9]+", "<n>"),
)


def own(events: Sequence[Event], scope: Scope, name: str) -> list[Event]:
    """The events of a name that count."""
    return [
        each
        for each in events
        if (each.site_id, each.event) == (scope.site_id, name)
        and scope.start_ms <= each.ts < scope.end_ms
        and counts(each, scope)
    ]


def line(events: Iterable[Event]) -> dict[str, tuple[Any, ...]]:
    """Each measurement's count, quantiles, and how many are good and poor."""
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for event in events:
        for name, values in found.items():
            value = event.property(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0:
                values.append(float(value))
    return {name: _line(name, values) for name, values in found.items()}


def _line(name: str, values: list[float]) -> tuple[Any, ...]:
    if not values:
        return 0, None, None, None, None, None
    quantiles = [float(each) for each in np.quantile(values, (0.5, 0.75, 0.95))]
    if name not in LIMITS:
        return len(values), *quantiles, None, None
    good, poor = LIMITS[name]
    return len(values), *quantiles, sum(each <= good for each in values), sum(each > poor for each in values)


def by_value(events: Sequence[Event], field: str) -> list[tuple[str, dict[str, tuple[Any, ...]]]]:
    """The values of a field, those with the most events first."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[text_of(event, field)].append(event)
    return [(value, line(found[value])) for value in sorted(found, key=lambda value: (-len(found[value]), value))]


def by_day(events: Sequence[Event], zone: ZoneInfo) -> dict[Any, dict[str, tuple[Any, ...]]]:
    """The local days on which there are any."""
    found: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        found[label(event.ts, "day", zone)].append(event)
    return {day: line(of_day) for day, of_day in found.items()}


def faults(
    events: Sequence[Event], scope: Scope, resolved: Mapping[tuple[str, str], tuple[int, str]]
) -> list[tuple[Any, ...]]:
    """Path, message, example, count, visitors, users, first, last, release and status of each fault, the most frequent first.

    `resolved` says by path and message when a fault was, and in which release.
    """
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in sorted(own(events, scope, "error"), key=lambda each: (each.ts, each.event_id)):
        found[event.path, plain(_message(event))].append(event)
    ever = [each for each in events if (each.site_id, each.event) == (scope.site_id, "error")]
    lines = []
    for key, of in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        same = [each for each in ever if (each.path, plain(_message(each))) == key]
        lines.append((*key, _message(of[0]), *_counted(of), _status(same, scope, resolved.get(key))))
    return lines


def _counted(of: Sequence[Event]) -> tuple[Any, ...]:
    users = {each.user_id or (each.visitor_id,) for each in of}
    return len(of), len({each.visitor_id for each in of}), len(users), of[0].ts, of[-1].ts, _release(of[-1])


def _status(same: Sequence[Event], scope: Scope, resolved: tuple[int, str] | None) -> str:
    if resolved is None:
        return "ongoing" if any(each.ts < scope.start_ms for each in same) else "new"
    at, fixed = resolved
    later = [each for each in same if each.ts > at and not _is_older(_release(each), fixed)]
    return "regressed" if later else "resolved"


def _is_older(release: str, other: str) -> bool:
    seen, fixed = ([int(part) for part in re.findall(r"\d+", text)] for text in (release, other))
    for parts in (seen, fixed):
        while parts and not parts[-1]:
            parts.pop()
    versions = all(re.match(r"v?\d", text) for text in (release, other))
    return versions and seen < fixed


def _release(event: Event) -> str:
    release = event.property("release")
    return release if isinstance(release, str) else ""


def _message(event: Event) -> str:
    message = event.property("message")
    return message if isinstance(message, str) else ""


def plain(message: str) -> str:
    """A message without what differs."""
    for pattern, word in DIFFERS:
        message = re.sub(pattern, word, message, flags=re.ASCII)
    return message[:500]
