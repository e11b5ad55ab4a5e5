"""Journeys: the steps that people take one after another, from a step, to a step, or between two."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clickhouse.client import Client
from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Parameters, text
from clickhouse.reports.scope import Scope, Unit
from clickhouse.reports.source import TABLE
from clickhouse.reports.statement import hash_of, text_of

SHORTEST, LONGEST = 2, 10
ENDS, IS_TOLD, IS_REST, GOES_ON = range(4)
ALL = 255
"""The level of the row that has all journeys that began."""


@dataclass(frozen=True)
class JourneysQuery:
    """A question. A step is an event of the scope with a value of the field `step`; it has `length` steps at most.

    Without `begin` and `end` a journey begins with a unit's first step. `window_ms` is 0 for no window; of each level
    `limit` values are told.
    """

    scope: Scope
    step: str = "event"
    begin: str | None = None
    end: str | None = None
    length: int = 5
    unit: Unit = "sessions"
    window_ms: int = 0
    is_collapsed: bool = True
    limit: int = 10

    @property
    def is_backward(self) -> bool:
        """Whether journeys are followed from their end."""
        return self.end is not None and self.begin is None


@dataclass
class Node:
    """Journeys at a level with a value, None for all the others; `ended` go no further, `went_on` beyond what is told."""

    level: int
    value: str | None
    journeys: int = 0
    ended: int = 0
    went_on: int = 0


@dataclass(frozen=True)
class Link:
    """Journeys from a value at a level to one at the next; None for all the others of a level."""

    level: int
    source: str | None
    target: str | None
    journeys: int


@dataclass
class Level:
    """All journeys with a step at a level, and how many values there are."""

    level: int
    values: int = 0
    journeys: int = 0
    ended: int = 0
    went_on: int = 0


@dataclass
class JourneysAnswer:
    """Levels from 0 on, or backwards from the end as 0, -1, …; nodes and links by level, the most frequent first, others last.

    `begun` are the journeys that began, `journeys` those that are told: fewer where an end is to be reached.
    """

    begun: int = 0
    journeys: int = 0
    levels: list[Level] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    rows_read: int = 0
    ms: float = 0.0
    source: str = TABLE


def answer(client: Client, query: JourneysQuery) -> JourneysAnswer:
    """Answer a question. Raises QueryError for fields and filters that cannot be, and as the client does."""
    bound = Parameters(query.scope.parameters())
    found = client.ask(statement(query, bound), bound)
    return told(query, found.rows, found.rows_read, found.ms)


def statement(query: JourneysQuery, bound: Parameters) -> str:
    """The statement; what it takes is put among the bound parameters. Raises QueryError."""
    bound |= {"length": query.length, "limit": query.limit, "window": query.window_ms or 2**62}
    value = text(field_of(query.step, "step"), bound)
    filtered = query.scope.filtered(bound)
    names = text_of("journeys_names", hash=hash_of("value"), value=value, filtered=filtered)
    units = _units(query, bound, value, filtered)
    if query.unit == "sessions":
        units = text_of("journeys_sessions", units=units)
    first = query.begin if query.begin is not None else query.end
    paths = text_of(
        "journeys_paths",
        steps=_STEPS[_kind(query)],
        begin="toUInt32(notEmpty(values))"
        if first is None
        else f"indexOf(values, {hash_of(bound.bind(first, 'String'))})",
        last=_last(query, bound),
        taken=_CHANGES if query.is_collapsed else "arrayMap(x -> 1, own)",
        units=units,
    )
    return text_of("journeys", paths=paths, names=names)


def _units(query: JourneysQuery, bound: Parameters, value: str, filtered: str) -> str:
    is_of_sessions = query.unit == "sessions"
    needed = [name for name in (query.begin, query.end) if name is not None]
    having = [f"countIf(step = {hash_of(bound.bind(name, 'String'))}) > 0" for name in needed[:1]]
    return text_of(
        "journeys_units",
        who="if(session_id != '', concat('s', session_id), concat('v', visitor_id))"
        if is_of_sessions
        else query.scope.who(query.unit),
        own="session_id != ''" if is_of_sessions else "true",
        value=value,
        filtered=filtered,
        hash=hash_of("value"),
        wanted="1" if is_of_sessions else "step != 0",
        having=having[0] if having else "1",
    )


def _last(query: JourneysQuery, bound: Parameters) -> str:
    """How many steps after the first the end is reached, 0 for never; where there is no end to reach, nothing."""
    if _kind(query) != "between":
        return "0"
    end = hash_of(bound.bind(query.end, "String"))
    return f"indexOf(arraySlice(values, begin + 1, {{length:UInt8}} - 1), {end})"


def _kind(query: JourneysQuery) -> str:
    if query.is_backward:
        return "to"
    return "between" if query.end is not None else "from"


_CHANGES = "arrayMap((x, before) -> x != before, own, arrayPopBack(arrayPushFront(own, toUInt128(0))))"
"""Which steps are no repetition of the one before."""
_STEPS = {
    "from": (
        "arrayFilter((v, t) -> t - begin_at <= {window:Int64},"
        " arraySlice(values, begin, {length:UInt8} + 1), arraySlice(at, begin, {length:UInt8} + 1))"
    ),
    "to": (
        "arrayFilter((v, t) -> begin_at - t <= {window:Int64},"
        " arraySlice(arrayReverse(arraySlice(values, 1, begin)), 1, {length:UInt8} + 1),"
        " arraySlice(arrayReverse(arraySlice(at, 1, begin)), 1, {length:UInt8} + 1))"
    ),
    "between": "if(last > 0 AND at[begin + last] - begin_at <= {window:Int64}, arraySlice(values, begin, last + 1), [])",
}


def told(query: JourneysQuery, rows: Sequence[Sequence[Any]], rows_read: int = 0, ms: float = 0.0) -> JourneysAnswer:
    """The answer from its rows of level, is_told, source, way, target, journeys, level_values."""
    answer = JourneysAnswer(rows_read=rows_read, ms=ms)
    levels: dict[int, Level] = {}
    nodes: dict[tuple[int, str | None], Node] = {}
    for level, is_told, source, way, target, journeys, values in rows:
        if level == ALL:
            answer.begun = journeys
            continue
        own = source if is_told else None
        whole = levels.setdefault(level, Level(level, values))
        node = nodes.setdefault((level, own), Node(level, own))
        for each in (whole, node):
            each.journeys += journeys
            each.ended += journeys if way == ENDS else 0
            each.went_on += journeys if way == GOES_ON else 0
        if way in (IS_TOLD, IS_REST):
            answer.links.append(Link(level, own, target if way == IS_TOLD else None, journeys))
    answer.journeys = levels[0].journeys if levels else 0
    answer.levels = [levels[level] for level in sorted(levels)]
    answer.nodes = sorted(nodes.values(), key=lambda node: (node.level, node.value is None, -node.journeys, node.value))
    answer.links.sort(key=lambda link: (link.level, -link.journeys, link.source or "", link.target or ""))
    return _turned(answer) if query.is_backward else answer


def _turned(answer: JourneysAnswer) -> JourneysAnswer:
    """As it happened, where journeys were followed from their end: the end is level 0, the step before it -1."""
    for level in answer.levels:
        level.level = -level.level
    for node in answer.nodes:
        node.level = -node.level
    answer.links = list(_swapped(answer.links))
    return answer


def _swapped(links: Sequence[Link]) -> Iterator[Link]:
    for link in links:
        yield Link(-link.level - 1, link.target, link.source, link.journeys)
