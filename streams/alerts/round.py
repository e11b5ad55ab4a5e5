"""One round of questions to the store: which windows, and what the store says of them."""

import logging
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic
from typing import NamedTuple

from clickhouse.client import Client
from clickhouse.windows import Answered, Asked, answered, batches, begun, merge
from pulse.alerting.rule import MOST_GROUPS
from pulse.alerting.windows import Question, Span
from pulse.errors import QueryError, Unavailable
from pulse.minute import MINUTE_MS
from streams.alerts import usual
from streams.alerts.partition import MOST_ASKED

RUNNING = 3
"""Minutes that are not closed and that are looked at, the last of them the running one."""
NONE = 1, 0
LIMITS: dict[str, object] = {
    "max_execution_time": 20,
    "timeout_overflow_mode": "throw",
    "max_memory_usage": 1_000_000_000,
}
"""What one statement may take of the store: seconds and bytes."""
USUAL_S = 20.0
"""For so long a round asks for earlier days; the statement that runs then is the last one. All other rules wait meanwhile."""

log = logging.getLogger(__name__)

Refused = list[tuple[str, Question]]


class Want(NamedTuple):
    """What one rule of a site needs: windows from the minute on that it `begins` with, those `shift` minutes before too, the running one if it is instant.

    An anomaly needs those of two weeks too, but for the minutes of which it is `usual`, what is usual, known; other rules have none there.
    """

    site_id: str
    question: Question
    begins: int
    shift: int
    is_instant: bool
    kept: frozenset[str]
    usual: Span | None = None


class Wanted(NamedTuple):
    """What the rules of a partition need that are evaluated up to the minute `after`; of those `put_off` no earlier days are asked for."""

    after: int
    wants: Sequence[Want]
    put_off: Container[tuple[str, Question]] = ()


@dataclass
class Found:
    """What a round found: `until` is the last minute that is complete; `fault` why the store gave nothing, if it did not.

    `usual` are the answers of earlier days to anomalies; of those `put_off` they are not whole.
    """

    now_ms: int
    until: int
    lag_s: float
    answers: Answered = field(default_factory=dict)
    usual: Answered = field(default_factory=dict)
    refused: Refused = field(default_factory=list)
    put_off: Refused = field(default_factory=list)
    fault: str = ""


def go_round(client: Client, wanted: Iterable[Wanted], now_ms: int, oldest_ms: int | None, grace_ms: int) -> Found:
    """Ask. `oldest_ms` is the time of the oldest event that is not stored, asked after `now_ms`; None if all are."""
    sure_ms = now_ms if oldest_ms is None else min(now_ms, oldest_ms)
    found = Found(now_ms, (sure_ms - grace_ms) // MINUTE_MS - 1, (now_ms - sure_ms) / 1000)
    every = list(wanted)
    asked = [each for one in every for each in asked_of(one, found.until, now_ms // MINUTE_MS)]
    earlier = [each for one in every for each in earlier_of(one, found.until)]
    try:
        for batch in batches(asked):
            _ask(client, batch, found.answers, found.refused)
        _ask_earlier(client, earlier, found)
        _tell_begin(client, [*asked, *earlier], found)
    except (Unavailable, QueryError) as error:
        found.fault = str(error)
    return found


def asked_of(wanted: Wanted, until: int, now: int) -> list[Asked]:
    """The windows that the rules of a partition need, each question once for a stretch of time."""
    found: dict[tuple[str, Question, int], Asked] = {}
    for want in wanted.wants:
        for place, (first, last) in _spans(want, wanted.after, until, now):
            if first > last:
                continue
            key = want.site_id, want.question, place
            known = found.get(key)
            span = (first, last) if known is None else (min(first, known.span[0]), max(last, known.span[1]))
            kept = want.kept if known is None else want.kept | known.kept
            found[key] = Asked(want.site_id, want.question, span, kept)
    return list(found.values())


def earlier_of(wanted: Wanted, until: int) -> list[Asked]:
    """The windows of earlier days that anomalies are compared with, as far as they are not known."""
    found: dict[tuple[str, Question], list[Asked]] = {}
    for want in wanted.wants:
        first, last = _closing(want, wanted.after, until)
        key = want.site_id, want.question
        is_known = want.usual is None or want.usual[0] <= first <= last <= want.usual[1]
        if is_known or first > last or key in wanted.put_off:
            continue
        found.setdefault(key, [Asked(*key, span) for span in usual.earlier((first, last))])
    return [each for some in found.values() for each in some]


def _closing(want: Want, after: int, until: int) -> Span:
    return max(after + 1, want.begins), min(until, after + MOST_ASKED)


def _spans(want: Want, after: int, until: int, now: int) -> Iterator[tuple[int, Span]]:
    """Minutes to be closed, those that run, and what the first are compared with; a span that ends before it begins is none.

    Each has a number of its own, by which spans of rules that ask the same are joined.
    """
    first, last = _closing(want, after, until)
    running = max(until + 1, now - RUNNING + 1, want.begins)
    runs_on = want.is_instant and running == last + 1
    if want.usual is not None and first <= last:
        yield 0, usual.with_trailing((first, last))
    yield 0, (first, now if runs_on else last)
    yield -1, (running, now) if want.is_instant and not runs_on else NONE
    yield want.shift, (first - want.shift, last - want.shift) if want.shift else NONE


def _ask(client: Client, batch: Sequence[Asked], answers: Answered, refused: Refused, until: float = inf) -> None:
    """Ask a batch; where the store is there and refuses it, its halves, and so on, and one question alone is given up.

    After that moment of the monotonic clock a batch that is refused is given up as a whole.
    """
    try:
        merge(answers, answered(client, batch, MOST_GROUPS, **LIMITS))
    except (Unavailable, QueryError) as error:
        client.ping()
        if len(batch) == 1 or monotonic() > until:
            for each in batch:
                metric = each.question.selector.metric
                log.error("a question of rules is refused: %s", error, extra={"site": each.site_id, "metric": metric})
                refused.append((each.site_id, each.question))
            return
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            _ask(client, half, answers, refused, until)


def _ask_earlier(client: Client, earlier: Iterable[Asked], found: Found) -> None:
    """Ask for earlier days, for a while. Of what is refused for one day, or is not answered in time, none is of use."""
    until = monotonic() + USUAL_S
    for batch in batches(earlier):
        left = [each for each in batch if (each.site_id, each.question) not in found.put_off]
        if monotonic() > until:
            found.put_off += [(each.site_id, each.question) for each in left]
        elif left:
            _ask(client, left, found.usual, found.put_off, until)


def _tell_begin(client: Client, asked: Iterable[Asked], found: Found) -> None:
    """Say since when there is anything of sites of which earlier windows were asked for."""
    earlier = sorted({each.site_id for each in asked if each.span[1] < found.until})
    first = begun(client, earlier)
    for answers in (found.answers, found.usual):
        for (site_id, question), answer in answers.items():
            if site_id in first:
                answers[site_id, question] = replace(answer, begin=first[site_id])
