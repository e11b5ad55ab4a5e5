"""Journeys by hand: each unit's steps in order, then cut, one journey at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from clickhouse.reports.journeys import JourneysQuery
from tests.reports.events import Event
from tests.reports.filtering import text_of
from tests.reports.happening import counts
from tests.reports.query import sessions_of
from tests.reports.retention import who

Steps = list[tuple[int, str]]


def expected(events: Sequence[Event], asked: JourneysQuery) -> dict[str, Any]:
    """The answer: how many began and are told, and for each level its nodes and links, values beyond the first as None."""
    begun, told = 0, []
    for steps in _units(events, asked):
        path = _journey(steps, asked)
        begun += path is not None
        if path:
            told.append(path)
    nodes = _nodes(told, asked)
    sign = -1 if asked.is_backward else 1
    kept = {level: sorted(own, key=lambda value: (-own[value], value))[: asked.limit] for level, own in nodes.items()}
    found: dict[tuple[Any, ...], int] = Counter()
    for path in told:
        named = [value if value in kept[n] else None for n, value in enumerate(path[: asked.length])]
        for n, value in enumerate(named):
            found["node", sign * n, value] += 1
            found["ended", sign * n, value] += n + 1 == len(path)
            found["went on", sign * n, value] += n + 1 == asked.length < len(path)
        for n, (one, other) in enumerate(pairwise(named)):
            found["link", *((-n - 1, other, one) if asked.is_backward else (n, one, other))] += 1
    values = {sign * level: len(own) for level, own in nodes.items()}
    return {"begun": begun, "journeys": len(told), "cells": {k: n for k, n in found.items() if n}, "values": values}


def _nodes(told: Sequence[Sequence[str]], asked: JourneysQuery) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for path in told:
        for n, value in enumerate(path[: asked.length]):
            found[n][value] += 1
    return found


def _units(events: Sequence[Event], asked: JourneysQuery) -> Iterator[Steps]:
    scope = asked.scope
    own = [each for each in events if each.site_id == scope.site_id and scope.start_ms <= each.ts < scope.end_ms]
    if asked.unit == "sessions":
        units = sessions_of(own)
    else:
        units = {}
        for event in own:
            units.setdefault(who(event, asked.unit), []).append(event)
    for unit in units.values():
        ordered = sorted((each for each in unit if counts(each, scope)), key=lambda each: (each.ts, each.event_id))
        steps: Steps = []
        for event in ordered:
            value = text_of(event, asked.step)
            if value and not (asked.is_collapsed and steps and steps[-1][1] == value):
                steps.append((event.ts, value))
        yield steps


def _journey(steps: Steps, asked: JourneysQuery) -> list[str] | None:
    """The journey, with one more step than is told where it goes on; None for none, empty if it does not reach its end."""
    values, window = [value for _, value in steps], asked.window_ms or 10**15
    anchor = asked.begin if asked.begin is not None else asked.end
    if not steps or (anchor is not None and anchor not in values):
        return None
    at = values.index(anchor) if anchor is not None else 0
    if asked.is_backward:
        before = [value for ts, value in steps[: at + 1] if steps[at][0] - ts <= window]
        return before[::-1][: asked.length + 1]
    after = [value for ts, value in steps[at:] if ts - steps[at][0] <= window]
    if asked.end is None:
        return after[: asked.length + 1]
    within = after[1 : asked.length]
    return after[: within.index(asked.end) + 2] if asked.end in within else []
