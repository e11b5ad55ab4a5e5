"""What windows of a site hold, by its stored events: distinct visitors and sessions, errors, web vitals, conversions.

Many questions of many sites are asked in one, and each is answered exactly, late events included.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import json

from clickhouse.client import Client
from clickhouse.reports.errors import EVENT as ERROR
from clickhouse.reports.statement import text_of
from clickhouse.reports.traffic import RISKY
from pulse.alerting.rule import DAY, MOST_GROUPS, SHARES_OF_RISK
from pulse.alerting.selector import ALL
from pulse.alerting.windows import Answer, Question, Span
from pulse.minute import MINUTE_MS

AT_ONCE = 200
"""Questions that are asked in one: they travel as a parameter."""
LIKELY = 50
"""From which score on an event comes through a VPN, a proxy or Tor."""
SHORT = 120
"""Minutes of windows that are not read together with longer ones."""


class Asked(NamedTuple):
    """A question of a site over the windows that end within a span; `kept` are groups that must not be left out."""

    site_id: str
    question: Question
    span: Span
    kept: frozenset[str] = frozenset()

    @property
    def first(self) -> int:
        """The first minute that is read."""
        return self.span[0] - self.question.width + 1


Answered = dict[tuple[str, Question], Answer]
"""By site and question; all spans of one question together."""


def batches(asked: Iterable[Asked]) -> list[list[Asked]]:
    """Questions that are read alike: of the same rows and of about the same time."""
    found: dict[tuple[str, bool, int], list[Asked]] = {}
    every = list(asked)
    latest = max((each.span[1] for each in every), default=0)
    for each in every:
        age = latest - each.span[1]
        back = (age + DAY // 2) // DAY
        found.setdefault((_statement_of(each.question), each.question.width > SHORT, back), []).append(each)
    return [each[n : n + AT_ONCE] for each in found.values() for n in range(0, len(each), AT_ONCE)]


def answered(client: Client, batch: Sequence[Asked], most_groups: int = MOST_GROUPS, **settings: object) -> Answered:
    """The answers to one batch, of the groups with the most. Raises Unavailable, QueryError, and TooCostly of a client that is bounded."""
    parameters: dict[str, object] = {
        "asked": json.encode([_told(number, each) for number, each in enumerate(batch)]).decode(),
        "sites": sorted({each.site_id for each in batch}),
        "start": min(each.first for each in batch) * MINUTE_MS,
        "end": (max(each.span[1] for each in batch) + 1) * MINUTE_MS,
        "groups": most_groups,
    }
    name = _statement_of(batch[0].question)
    if name == "counted":
        parameters |= {"risky": RISKY, "likely": LIKELY}
    rows = client.ask(_statement(name), parameters, **settings).rows
    cells: list[dict[str, dict[int, tuple[float, int]]]] = [{} for _ in batch]
    beyond: set[int] = set()
    for number, group, minute, above, below, is_cut in rows:
        cells[number].setdefault(group, {})[minute] = (above, below)
        if is_cut:
            beyond.add(number)
    made: Answered = {}
    for number, (each, of_group) in enumerate(zip(batch, cells, strict=True)):
        if name != "vital":
            of_group = {group: _summed(steps, each.span) for group, steps in of_group.items()}
        cut = {each.span: each.kept | of_group.keys()} if number in beyond else {}
        _put(made, each, Answer((each.span,), of_group, cut=cut))
    return made


def begun(client: Client, sites: Sequence[str]) -> dict[str, int]:
    """The first minute (since the epoch) of which there is anything of some sites. Raises Unavailable, QueryError."""
    rows = client.query("alerting/begun", {"sites": list(sites)}).rows if sites else ()
    return {str(site): int(first) for site, first in rows}


def merge(into: Answered, more: Mapping[tuple[str, Question], Answer]) -> None:
    """Add answers, also of further spans of questions that were answered."""
    for (site_id, question), answer in more.items():
        known = into.get((site_id, question))
        into[site_id, question] = answer if known is None else _joined(known, answer)


def _put(into: Answered, asked: Asked, answer: Answer) -> None:
    if not asked.question.selector.group_by:
        answer = Answer(answer.spans, {ALL: answer.groups.get(ALL, {})})
    merge(into, {(asked.site_id, asked.question): answer})


def _joined(one: Answer, other: Answer) -> Answer:
    names = dict.fromkeys((*one.groups, *other.groups))
    groups = {name: {**one.groups.get(name, {}), **other.groups.get(name, {})} for name in names}
    return Answer((*one.spans, *other.spans), groups, one.begin, {**one.cut, **other.cut})


def _summed(steps: Mapping[int, tuple[float, int]], span: Span) -> dict[int, tuple[float, int]]:
    """Sums by minute of what begins and ends; windows with nothing in them are left out."""
    found: dict[int, tuple[float, int]] = {}
    above, below = 0.0, 0
    edges = [minute for minute in steps if minute <= span[1]]
    for minute, until in zip(edges, [*edges[1:], span[1] + 1], strict=True):
        above, below = above + steps[minute][0], below + steps[minute][1]
        if above or below:
            found |= dict.fromkeys(range(minute, until), (above, below))
    return found


def _told(number: int, asked: Asked) -> dict[str, Any]:
    """A question as the statements read it: `above` are the events that count, `below` those that they are measured on."""
    selector = asked.question.selector
    above, below = sorted(selector.of or selector.events), sorted(selector.over or selector.events)
    return {
        "id": number,
        "site": asked.site_id,
        "above": [ERROR] if selector.metric == "error_rate" else above,
        "below": below,
        "countries": sorted(selector.countries),
        "devices": sorted(selector.device_types),
        "by": selector.group_by,
        "kept": sorted(asked.kept),
        "vital": selector.vital,
        "bands": sorted(selector.bands),
        "share": selector.metric if selector.metric in SHARES_OF_RISK else "",
        "follows": selector.metric == "conversion",
        "width": asked.question.width,
        "first": asked.span[0],
        "last": asked.span[1],
    }


def _statement_of(question: Question) -> str:
    metric = question.selector.metric
    if metric == "risk_events" or metric in SHARES_OF_RISK:
        return "counted"
    return metric if metric in ("vital", "sessions") else "visitors"


@cache
def _statement(name: str) -> str:
    asked = text_of("windows_asked")
    if name == "vital":
        return text_of("windows_vital", asked=asked)
    if name == "counted":
        return text_of("windows_counted", asked=asked)
    return text_of("windows_present", asked=asked, rows=text_of(f"windows_rows_{name}"))
