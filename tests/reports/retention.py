"""Retention by hand, from its definition: one unit, one start, one column at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from clickhouse.reports.filter import Filter
from clickhouse.reports.happening import Happening
from clickhouse.reports.retention import RetentionQuery
from tests.reports.events import Event
from tests.reports.filtering import passes
from tests.reports.periods import label, labels


class Start(NamedTuple):
    """When somebody started, and the event by which."""

    who: str
    event: Event


def who(event: Event, unit: str) -> str:
    """Who it was."""
    if unit == "users" and event.user_id:
        return f"user {event.user_id}"
    return f"visitor {event.visitor_id}"


def happens(event: Event, what: Happening, own: Filter, bots: str) -> bool:
    """Whether an event is one that counts."""
    right = bots == "include" or event.bot == (bots == "only")
    named = not what.event or event.event == what.event
    return right and named and passes(event, what.filter) and passes(event, own)


def cohorts(events: Sequence[Event], query: RetentionQuery, interval: str) -> dict[str, list[tuple[int, list[float]]]]:
    """For each value of the breakdown the size and columns of each cohort."""
    zone = ZoneInfo(query.scope.timezone)
    periods = labels(query.scope.start_ms, query.scope.end_ms, interval, zone)
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for number, period in enumerate(periods):
        own = [start for start in starts(events, query, interval) if label(start.event.ts, interval, zone) == period]
        for value in {_value(start, query) for start in own}:
            of_value = [start for start in own if _value(start, query) == value]
            columns = [
                sum(
                    _counts(events, query, start, _inside(query, start, bracket, periods, number, interval))
                    for start in of_value
                )
                for bracket in query.brackets
            ]
            found.setdefault(value, [(0, [0.0] * len(query.brackets)) for _ in periods])[number] = (
                len(of_value),
                columns,
            )
    return found


def starts(events: Sequence[Event], query: RetentionQuery, interval: str) -> Iterator[Start]:
    """Each start that counts."""
    zone, scope = ZoneInfo(query.scope.timezone), query.scope
    for name in {who(event, query.unit) for event in events}:
        history = sorted(
            (event for event in events if who(event, query.unit) == name and event.ts < scope.end_ms),
            key=lambda event: (event.ts, event.event_id),
        )
        own = [event for event in history if happens(event, query.start, scope.filter, scope.bots)]
        if query.kind == "recurring":
            inside = [event for event in own if event.ts >= scope.start_ms]
            firsts = {label(event.ts, interval, zone): event for event in reversed(inside)}
            yield from (Start(name, event) for event in firsts.values())
        elif own and own[0].ts >= scope.start_ms and (query.kind == "first_time" or own[0].ts == history[0].ts):
            yield Start(name, own[0])


def _value(start: Start, query: RetentionQuery) -> str:
    return str(getattr(start.event, query.breakdown)) if query.breakdown else ""


def _inside(
    query: RetentionQuery, start: Start, bracket: tuple[int, int], periods: list[Any], number: int, interval: str
) -> Callable[[Event], bool]:
    """Whether an event lies in a column of a start."""
    first, last = bracket if query.returning != "on_or_after" else (bracket[0], 10_000)
    zone = ZoneInfo(query.scope.timezone)
    if query.window_ms:
        return lambda event: first <= (event.ts - start.event.ts) // query.window_ms <= last
    wanted = periods[number + first : number + last + 1]
    return lambda event: label(event.ts, interval, zone) in wanted


def _counts(events: Sequence[Event], query: RetentionQuery, start: Start, is_inside: Callable[[Event], bool]) -> float:
    scope = query.scope
    returns = [
        event
        for event in events
        if who(event, query.unit) == start.who
        and start.event.ts <= event.ts < scope.end_ms
        and happens(event, query.back, scope.filter, scope.bots)
        and is_inside(event)
    ]
    if len(returns) < query.minimum_times:
        return 0
    return 1 if query.measure == "count" else sum(_amount(event, query.measure) for event in returns)


def _amount(event: Event, measure: str) -> float:
    value = event.revenue if measure == "revenue" else event.property(measure.removeprefix("properties."))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
