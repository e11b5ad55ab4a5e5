"""Funnels by hand: every attempt is walked through event by event, as docs/semantics.md defines it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

from clickhouse.reports.filter import Filter
from clickhouse.reports.funnel import EDGES_S, TOP_VALUES, FunnelQuery, Line, Reached, Times
from tests.reports.events import Event
from tests.reports.filtering import passes, text_of

VISIT_GAP_MS = 1_800_000


@dataclass(frozen=True)
class Met:
    """An event as a funnel sees it."""

    ts: int
    steps: frozenset[int]
    ends: frozenset[int]
    value: str

    def place(self) -> tuple[int, int, int, int, str]:
        """By the moment; at the same one by the first step it fits, the others it fits, the exclusions, the value."""
        return (
            self.ts,
            min(self.steps, default=99),
            sum(2**n for n in self.steps),
            sum(2**n for n in self.ends),
            self.value,
        )


@dataclass(frozen=True)
class Attempt:
    """When each step was reached, with which value; where the next attempt may begin."""

    who: str
    part: tuple[str, ...]
    times: tuple[int, ...]
    values: tuple[str, ...]
    end: int

    @property
    def level(self) -> int:
        """The furthest step."""
        return max(n for n, ts in enumerate(self.times, 1) if ts)


def attempts(asked: FunnelQuery, events: Iterable[Event]) -> list[Attempt]:
    """The attempts that count."""
    by_unit: dict[tuple[str, tuple[str, ...]], list[Met]] = defaultdict(list)
    for who, part, met in _met(asked, events):
        by_unit[who, part].append(met)
    found: dict[str, list[Attempt]] = defaultdict(list)
    for (who, part), own in by_unit.items():
        own.sort(key=Met.place)
        begun = [_attempt(asked, who, part, own, at) for at in range(len(own)) if _begins(asked, own[at])]
        found[who] += _one_after_another(asked, own, begun) if asked.count == "totals" else begun
    if asked.count == "totals":
        return [each for own in found.values() for each in own]
    return [min(own, key=lambda each: (-each.level, each.times[0], each.part)) for own in found.values() if own]


def _begins(asked: FunnelQuery, met: Met) -> bool:
    is_fit = bool(met.steps) if asked.order == "any" else 1 in met.steps
    return is_fit and asked.scope.start_ms <= met.ts < asked.scope.end_ms


def _one_after_another(asked: FunnelQuery, own: list[Met], begun: list[Attempt]) -> Iterator[Attempt]:
    at = 0
    while at < len(own):
        if _begins(asked, own[at]):
            attempt = _attempt(asked, "", (), own, at)
            yield replace(attempt, who=begun[0].who, part=begun[0].part)
            at = attempt.end
        else:
            at += 1


def _attempt(asked: FunnelQuery, who: str, part: tuple[str, ...], own: Sequence[Met], at: int) -> Attempt:
    walk = _in_any_order if asked.order == "any" else _in_order
    reached, end = walk(asked, own, at)
    count = range(1, len(asked.steps) + 1)
    times = tuple(own[reached[n]].ts if n in reached else 0 for n in count)
    values = tuple(own[reached[n]].value if n in reached else "" for n in count)
    return Attempt(who, part, times, values, end)


def _in_order(asked: FunnelQuery, own: Sequence[Met], at: int) -> tuple[dict[int, int], int]:
    level, reached = 1, {1: at}
    for now in range(at + 1, len(own)):
        met = own[now]
        if met.ts > own[at].ts + asked.longest_ms:
            return reached, now
        if any(asked.exclusions[n].from_step <= level < asked.exclusions[n].to_step for n in met.ends):
            return reached, now
        fitting = [step for step in met.steps if _may_follow(asked, level, step)]
        if fitting:
            level = max(fitting)
            reached[level] = now
            if level == len(asked.steps):
                return reached, now + 1
        elif asked.order == "strict":
            return reached, now
    return reached, len(own)


def _may_follow(asked: FunnelQuery, level: int, step: int) -> bool:
    return step > level and all(asked.steps[between - 1].optional for between in range(level + 1, step))


def _in_any_order(asked: FunnelQuery, own: Sequence[Met], at: int) -> tuple[dict[int, int], int]:
    first: dict[int, int] = {}
    end = len(own)
    for now in range(at, len(own)):
        if own[now].ts > own[at].ts + asked.longest_ms:
            end = now
            break
        for step in own[now].steps:
            first.setdefault(step, now)
        if len(first) == len(asked.steps):
            end = now + 1
            break
    return dict(enumerate(sorted(first.values()), 1)), end


def _met(asked: FunnelQuery, events: Iterable[Event]) -> Iterator[tuple[str, tuple[str, ...], Met]]:
    scope = asked.scope
    own = [e for e in events if e.site_id == scope.site_id and scope.start_ms <= e.ts < scope.end_ms + asked.longest_ms]
    for event, session in zip(own, sessions(own), strict=True):
        is_wanted = scope.bots == "include" or event.bot == (scope.bots == "only")
        held = text_of(event, asked.hold) if asked.hold else ""
        if not is_wanted or not passes(event, scope.filter) or (asked.hold and not held):
            continue
        part = ((session,) if asked.window_ms is None and asked.count != "sessions" else ()) + (
            (held,) if asked.hold else ()
        )
        met = Met(
            event.ts,
            frozenset(n for n, each in enumerate(asked.steps, 1) if _fits(event, each.event, each.filter)),
            frozenset(n for n, each in enumerate(asked.exclusions) if _fits(event, each.event, each.filter)),
            text_of(event, asked.breakdown) if asked.breakdown else "",
        )
        if asked.order == "strict" or met.steps or met.ends:
            yield _who(asked, event, session), part, met


def _fits(event: Event, name: str | None, some: Filter) -> bool:
    return name in (None, event.event) and passes(event, some)


def _who(asked: FunnelQuery, event: Event, session: str) -> str:
    if asked.count == "sessions":
        return session
    if asked.count == "visitors":
        return event.visitor_id
    return "u" + event.user_id if event.user_id else "v" + event.visitor_id


def sessions(events: Sequence[Event]) -> list[str]:
    """The session of each event: the client's own, else the visitor's visits with no longer gap than half an hour."""
    names: dict[int, str] = {}
    last: dict[str, tuple[int, int]] = {}
    for n in sorted(range(len(events)), key=lambda n: events[n].ts):
        event = events[n]
        if event.session_id:
            names[n] = "s" + event.session_id
            continue
        ts, visit = last.get(event.visitor_id, (-VISIT_GAP_MS * 2, 0))
        visit += event.ts - ts > VISIT_GAP_MS
        last[event.visitor_id] = event.ts, visit
        names[n] = f"v{event.visitor_id}\0{visit}"
    return [names[n] for n in range(len(events))]


def line(asked: FunnelQuery, found: Sequence[Attempt], now_ms: int) -> Line:
    """Each step's count and times."""
    return tuple(_reached(asked, found, step, now_ms) for step in range(1, len(asked.steps) + 1))


def _reached(asked: FunnelQuery, found: Sequence[Attempt], step: int, now_ms: int) -> Reached:
    own = [each for each in found if each.times[step - 1]]
    is_open = [each.level < len(asked.steps) and each.times[0] + asked.longest_ms >= now_ms for each in own]
    if not own or step == 1:
        return Reached(len(own), sum(is_open))
    before = [each.times[step - 1] - each.times[asked.before(step) - 1] for each in own]
    first = [each.times[step - 1] - each.times[0] for each in own]
    return Reached(len(own), sum(is_open), _times(before), _times(first))


def _times(ms: list[int]) -> Times:
    bins = Counter(max(edge for edge in EDGES_S if edge * 1000 <= each) for each in ms)
    return Times(quantile(ms, 0.5) / 1000, quantile(ms, 0.9) / 1000, dict(bins))


def quantile(some: list[int], part: float) -> float:
    """Between the two nearest, in proportion."""
    ranked = sorted(some)
    place = part * (len(ranked) - 1)
    low = floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def values(asked: FunnelQuery, found: Sequence[Attempt], now_ms: int) -> list[tuple[str | None, Line]]:
    """By the value of the breakdown, the largest first, then all the others."""
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for each in found:
        step = asked.attribution or each.level
        if each.times[step - 1]:
            groups[each.values[step - 1]].append(each)
    ranked = sorted(groups, key=lambda value: (-len(groups[value]), value))
    told: list[tuple[str | None, Line]] = [(value, line(asked, groups[value], now_ms)) for value in ranked[:TOP_VALUES]]
    rest = [each for value in ranked[TOP_VALUES:] for each in groups[value]]
    return told + ([(None, line(asked, rest, now_ms))] if rest else [])


def buckets(asked: FunnelQuery, found: Sequence[Attempt], now_ms: int) -> dict[int, Line]:
    """By the bucket in which attempts begin."""
    return {
        begin: line(
            asked,
            [each for each in found if begin == max(other for other in asked.begins if other <= each.times[0])],
            now_ms,
        )
        for begin in asked.begins
    }
