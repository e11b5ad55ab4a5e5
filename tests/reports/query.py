"""What the planner must answer, counted by hand from its definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from clickhouse.reports.query import Question
from tests.reports.events import Event
from tests.reports.filtering import passes, text_of

GAP_MS = 1_800_000
QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
SUMMED = ("events", "pageviews", "revenue", "sum")
Values = Mapping[str, Any]


class Refused(Exception):
    """The question must be refused."""


@dataclass(frozen=True)
class Expected:
    """The rows of the groups with a place as (time, keys, values), the whole, the rest, and how many groups there are."""

    rows: Sequence[tuple[int | None, tuple[str, ...], Values]]
    totals: Values
    rest: Sequence[tuple[int | None, tuple[str, ...], Values]]
    groups: int


def sessions_of(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The sessions of a site's events of a range: the client's own, else a visitor's without a pause of over 30 minutes."""
    found: dict[str, list[Event]] = {}
    latest: dict[str, tuple[int, int]] = {}
    for event in sorted(events, key=lambda each: each.ts):
        if event.session_id:
            found.setdefault(f"own {event.session_id}", []).append(event)
            continue
        number, ts = latest.get(event.visitor_id, (0, event.ts))
        latest[event.visitor_id] = (number + (event.ts - ts > GAP_MS), event.ts)
        found.setdefault(f"told {event.visitor_id} {latest[event.visitor_id][0]}", []).append(event)
    return found


def expected(events: Sequence[Event], question: Question, start: int, end: int, places: Any = None) -> Expected:
    """The answer about a range; `places` are the groups of now where it is about the period before. Raises Refused."""
    scope = question.scope
    ranged = [each for each in events if each.site_id == scope.site_id and start <= each.ts < end]
    own = [each for each in ranged if passes(each, scope.filter) and _is_wanted(each, scope.bots)]
    whole = _Counting(question, sessions_of(ranged))
    _demand_numbers(own, question)
    keys = {event.event_id: tuple(text_of(event, each.name) for each in question.breakdown) for event in own}
    groups = sorted(set(keys.values())) if question.breakdown else []
    if places is None:
        values = {group: whole.values([e for e in own if keys[e.event_id] == group]) for group in groups}
        places = _ordered(groups, values, question)[: question.limit]
    listed = places if question.breakdown else [()]
    moments = _moments(question, start, end)

    def within(moment: int | None) -> list[Event]:
        return [each for each in own if moment is None or _bucket(each.ts, question) == moment]

    rows = [
        (moment, group, whole.values([each for each in within(moment) if keys[each.event_id] == group]))
        for group in listed
        for moment in moments
    ]
    is_mixed = len({each.currency for each in own if each.revenue}) > 1
    has_money = any("revenue" in each.name for each in question.metrics)
    if is_mixed and has_money and all(each.name != "currency" for each in question.breakdown):
        raise Refused("currencies")
    rest = [
        (moment, (), _rest(whole, [each for each in within(moment) if keys[each.event_id] not in places], is_mixed))
        for moment in moments
        if set(groups) - set(places)
    ]
    return Expected(rows, whole.values(own, is_mixed), rest, len(groups))


def _is_wanted(event: Event, bots: str) -> bool:
    return bots == "include" or event.bot == (bots == "only")


class _Counting:
    def __init__(self, question: Question, sessions: Mapping[str, list[Event]]) -> None:
        self.question = question
        self.sessions = sessions

    def values(self, events: Sequence[Event], is_mixed: bool = False) -> dict[str, Any]:
        found = {
            each.name: None if is_mixed and "revenue" in each.name else self.value(each.name, events)
            for each in self.question.metrics
        }
        return found | self.formulas(found)

    def formulas(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The test's only formulas are `share`, events / users, and `twice`, 2 * (events - 1)."""
        events, users = values.get("events"), values.get("users")
        known = {
            "share": events / users if events is not None and users else None,
            "twice": 2 * (events - 1) if events is not None else None,
        }
        return {each.name: known[each.name] for each in self.question.formulas}

    def value(self, name: str, events: Sequence[Event]) -> Any:
        simple = {
            "events": len(events),
            "users": len({("u", each.user_id) if each.user_id else ("v", each.visitor_id) for each in events}),
            "visitors": len({each.visitor_id for each in events}),
            "revenue": sum(Decimal(str(each.revenue)) for each in events),
            "pageviews": sum(each.event == "page_view" for each in events),
        }
        if name in simple:
            return simple[name]
        if ":" in name:
            kind, field = name.split(":")
            return _aggregated(kind, _numbers(field, events))
        ids = {each.event_id for each in events}
        return self.of_sessions(name, [s for s in self.sessions.values() if any(each.event_id in ids for each in s)])

    def of_sessions(self, name: str, sessions: Sequence[Sequence[Event]]) -> Any:
        if name == "sessions":
            return len(sessions)
        views = [sum(each.event == "page_view" for each in session) for session in sessions]
        if name == "bounce_rate":
            viewed = [each for each in views if each]
            return viewed.count(1) / len(viewed) if viewed else None
        if not sessions:
            return None
        if name == "views_per_session":
            return sum(views) / len(sessions)
        if name == "session_duration":
            return sum(session[-1].ts - session[0].ts for session in sessions) / 1000 / len(sessions)
        target = self.question.target_event
        return sum(any(each.event == target for each in session) for session in sessions) / len(sessions)


def _numbers(field: str, events: Sequence[Event]) -> list[float]:
    if field == "revenue":
        return [each.revenue for each in events if each.revenue]
    values = [each.property(field.removeprefix("properties.")) for each in events]
    return [float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)]


def _aggregated(kind: str, numbers: Sequence[float]) -> Any:
    if kind == "sum":
        return sum(numbers)
    if not numbers:
        return None
    if kind in QUANTILES:
        ordered = sorted(numbers)
        at = (len(ordered) - 1) * QUANTILES[kind]
        low, high = ordered[int(at)], ordered[min(int(at) + 1, len(ordered) - 1)]
        return low + (high - low) * (at - int(at))
    return {"avg": sum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}[kind]


def _demand_numbers(events: Sequence[Event], question: Question) -> None:
    for each in question.metrics:
        field = each.name.partition(":")[2]
        if field.startswith("properties."):
            values = [event.property(field.removeprefix("properties.")) for event in events]
            if any(value is not None for value in values) and not _numbers(field, events):
                raise Refused(field)


def _ordered(groups: list[Any], values: Mapping[Any, Values], question: Question) -> list[Any]:
    order = question.order
    by, descending = (order.by, order.descending) if order else (question.metrics[0].name, True)
    fields = [each.name for each in question.breakdown]

    def rank(group: tuple[str, ...]) -> Any:
        return group[fields.index(by)] if by in fields else values[group][by]

    known = [group for group in groups if rank(group) is not None]
    return sorted(known, key=rank, reverse=descending) + [group for group in groups if rank(group) is None]


def _rest(whole: _Counting, events: Sequence[Event], is_mixed: bool) -> dict[str, Any]:
    values = {
        name: value if name.partition(":")[0] in SUMMED and not (is_mixed and "revenue" in name) else None
        for name, value in whole.values(events).items()
        if name in {each.name for each in whole.question.metrics}
    }
    return values | whole.formulas(values)


def _moments(question: Question, start: int, end: int) -> Sequence[int | None]:
    if question.granularity == "none":
        return [None]
    step = 60_000 if question.granularity == "minute" else 1_800_000
    return sorted({_bucket(ts, question) for ts in (*range(start, end, step), end - 1)})


def _bucket(ts: int, question: Question) -> int:
    local = datetime.fromtimestamp(ts / 1000, ZoneInfo(question.scope.timezone))
    minute = local.replace(second=0, microsecond=0)
    if question.granularity == "minute":
        return round(minute.timestamp() * 1000)
    if question.granularity == "hour":
        return round(minute.replace(minute=0).timestamp() * 1000)
    day = minute.replace(hour=0, minute=0, fold=0)
    if question.granularity == "week":
        day -= timedelta(days=day.weekday())
    if question.granularity == "month":
        day = day.replace(day=1)
    return round(day.timestamp() * 1000)
