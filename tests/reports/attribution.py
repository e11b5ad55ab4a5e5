"""Attribution by hand: each conversion with its touches, its parts as fractions that are rounded along the way."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from statistics import mean, median
from typing import Any

from clickhouse.reports.attribution import AttributionQuery
from tests.reports.events import DAY, Event
from tests.reports.filtering import text_of
from tests.reports.happening import counts
from tests.reports.query import sessions_of
from tests.reports.retention import who

Cells = dict[str, dict[str, Any]]


def expected(events: Sequence[Event], asked: AttributionQuery) -> tuple[Cells, dict[str, Any] | None]:
    """What each value is credited with, and the whole; None where nothing is converted."""
    scope = asked.scope
    begin = scope.start_ms - asked.lookback_ms
    own = [each for each in events if each.site_id == scope.site_id and begin <= each.ts < scope.end_ms]
    sessions = [sorted(each, key=_place) for each in sessions_of(own).values()]
    sessions.sort(key=lambda session: _place(session[0]))
    found: dict[str, list[tuple[Fraction, Event, int, Decimal, int]]] = defaultdict(list)
    whole = []
    for goal in own:
        if goal.event != asked.goal or goal.ts < scope.start_ms or not counts(goal, scope):
            continue
        touches = [each[0] for each in sessions if _touches(each, goal, asked)]
        waited = goal.ts - touches[0].ts
        whole.append((Fraction(1), goal, len(touches), Decimal(str(goal.revenue)), waited))
        for value, (share, money) in _parts(touches, goal, asked).items():
            found[value].append((share, goal, len(touches), money, waited))
    return {value: _row(rows) for value, rows in found.items()}, _row(whole) if whole else None


def _place(event: Event) -> tuple[int, str]:
    return event.ts, event.event_id


def _touches(session: Sequence[Event], goal: Event, asked: AttributionQuery) -> bool:
    if goal in session:
        return True
    first = session[0]
    is_theirs = who(goal, asked.unit) in {who(each, asked.unit) for each in session}
    return is_theirs and _place(first) < _place(goal) and goal.ts - first.ts <= asked.lookback_ms


def _parts(touches: Sequence[Event], goal: Event, asked: AttributionQuery) -> dict[str, tuple[Fraction, Decimal]]:
    """Of each value that has a part: it, and that of the revenue."""
    cents = int(Decimal(str(goal.revenue)) * 10_000)
    found: dict[str, tuple[Fraction, Decimal]] = {}
    due, given, paid = Fraction(0), 0, 0
    for touch, weight in zip(touches, _weights(touches, goal, asked.model), strict=True):
        due += weight
        upto = floor(due * 10**9)
        money = floor(Fraction(cents * upto, 10**9))
        if upto > given:
            name = (touch.utm_source or touch.referrer_host) if asked.by == "source" else text_of(touch, asked.by)
            share, sum_ = found.get(name, (Fraction(0), Decimal(0)))
            found[name] = share + Fraction(upto - given, 10**9), sum_ + Decimal(money - paid) / 10_000
        given, paid = upto, money
    return found


def _weights(touches: Sequence[Event], goal: Event, model: str) -> list[Fraction]:
    n = len(touches)
    if model == "linear":
        return [Fraction(1, n)] * n
    if model == "position":
        if n < 3:
            return [Fraction(1, n)] * n
        return [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]
    if model == "time_decay":
        raw = [Fraction(0.5 ** ((goal.ts - each.ts) / (7 * DAY))) for each in touches]
        return [each / sum(raw) for each in raw]
    at = 0 if model == "first" else n - 1
    if model == "last_non_direct":
        at = max((k for k, each in enumerate(touches) if each.channel not in ("", "direct")), default=n - 1)
    return [Fraction(int(k == at)) for k in range(n)]


def _row(rows: Sequence[tuple[Fraction, Event, int, Decimal, int]]) -> dict[str, Any]:
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    for _, goal, _, money, _ in rows:
        if money:
            revenue[goal.currency] += money
    return {
        "credit": sum(share for share, *_ in rows),
        "conversions": len(rows),
        "revenue": dict(revenue),
        "touches": mean(n for _, _, n, _, _ in rows),
        "days": mean(waited / DAY for *_, waited in rows),
        "days_median": median(waited / DAY for *_, waited in rows),
    }
