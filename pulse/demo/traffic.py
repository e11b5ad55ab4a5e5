"""The stream of events: visits over days, some of it late, some of it sent twice."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

from pulse.demo.journey import ARRIVALS, CHAIN, LENGTHS, PAGES, Step, landing, step
from pulse.demo.people import People

HOUR_MS = 3_600_000
BY_HOUR = (3, 2, 2, 2, 2, 3, 5, 8, 11, 13, 14, 14, 13, 13, 14, 14, 13, 12, 12, 13, 13, 11, 8, 5)
"""How busy each hour of a day (UTC) is."""
UNHURRIED_MS = 2 * HOUR_MS
"""In a shorter time than this, visitors are quicker."""
ONE = 1 << 16
BITS = 200
"""16 late, 16 again, 10 how late, 8 how soon again, 6 what follows, 8 when, 128 the id, 8 which page or product."""


@dataclass(frozen=True)
class Plan:
    """What is to be made: so many distinct events from `start_ms` to `end_ms`, and shares of 0 to 1."""

    events: int
    start_ms: int
    end_ms: int
    visitors: int
    seed: int = 1
    duplicates: float = 0.01
    late: float = 0.05
    bots: float = 0.03

    @property
    def pace(self) -> float:
        """By how much visits are shortened to fit the time."""
        return min(1.0, (self.end_ms - self.start_ms) / UNHURRIED_MS)


class Sent(NamedTuple):
    """One sending of an event: when it is due (ms, growing), its JSON, its time, what was done.

    `again` is the second sending of an event; `late` one that comes after events of a later time.
    """

    due: int
    body: bytes
    ts: int
    step: Step
    bot: bool
    late: bool
    again: bool


class Visit(NamedTuple):
    """A visit under way, ordered by the time of its next event: that event, and how many are left with it."""

    ts: int
    number: int
    left: int
    step: Step
    who: str
    currency: str
    bot: bool


def traffic(plan: Plan) -> Iterator[Sent]:
    """Every sending of a plan, in the order of sending; the same plan gives the same sendings."""
    delays = _between(300_000 * plan.pace, 36 * HOUR_MS * plan.pace, 1024)
    resends = _between(1_000 * plan.pace, HOUR_MS * plan.pace, 256)
    late_below, again_below = round(plan.late * ONE), round(plan.duplicates * ONE)
    waiting: list[tuple[int, int, Sent]] = []
    for number, (visit, bits) in enumerate(_happenings(plan)):
        ts, _, _, done, who, _, bot = visit
        while waiting and waiting[0][0] <= ts:
            yield heapq.heappop(waiting)[2]
        late, again = bits & 0xFFFF < late_below, bits >> 16 & 0xFFFF < again_below
        due = min(ts + delays[bits >> 32 & 1023], plan.end_ms) if late else ts
        body = f'{{"event":"{done.event}","event_id":"{_uuid(bits >> 64)}","ts":{ts},{who},{done.rest}}}'.encode()
        sent = Sent(due, body, ts, done, bot, late, False)
        if late:
            heapq.heappush(waiting, (due, 2 * number, sent))
        else:
            yield sent
        if again:
            due = min(due + resends[bits >> 42 & 255], plan.end_ms)
            heapq.heappush(waiting, (due, 2 * number + 1, sent._replace(due=due, again=True)))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _happenings(plan: Plan) -> Iterator[tuple[Visit, int]]:
    """What happens, in the order of time: the visit whose event it is, and 200 random bits for all choices about it."""
    random = Random(f"{plan}:happenings")
    gaps = _between(2_000 * plan.pace, 180_000 * plan.pace, 256)
    queue: list[Visit] = []
    for visit in _visits(plan):
        while queue and queue[0].ts <= visit.ts:
            yield _happen(queue, random.getrandbits(BITS), gaps, plan.end_ms - 1)
        heapq.heappush(queue, visit)
    while queue:
        yield _happen(queue, random.getrandbits(BITS), gaps, plan.end_ms - 1)


def _happen(queue: list[Visit], bits: int, gaps: list[int], last_ms: int) -> tuple[Visit, int]:
    """The next event of all visits; its visit goes on to the one after."""
    now = queue[0]
    ts, number, left, done, who, currency, bot = now
    if left == 1:
        heapq.heappop(queue)
        return now, bits
    name = "page_view" if bot else CHAIN[done.event][bits >> 50 & 63]
    then = min(ts + gaps[bits >> 56 & 255], last_ms)
    following = step(name, bits >> 192, currency)
    heapq.heapreplace(queue, Visit(then, number, left - 1, following, who, currency, bot))
    return now, bits


def _visits(plan: Plan) -> Iterator[Visit]:
    """Every visit as it begins."""
    random = Random(f"{plan}:visits")
    people = People(plan.seed)
    lengths = _lengths(plan)
    for number, (start, length) in enumerate(zip(_starts(plan, len(lengths)), lengths, strict=True)):
        first = landing(int(len(PAGES) * random.random() ** 2), random.choice(WAYS))
        if random.random() < plan.bots:
            machine = people.bot(random.getrandbits(3))
            yield Visit(start, number, length, first, machine.who, machine.currency, True)
        else:
            # squared: a few come often
            person = people.person(int(plan.visitors * random.random() ** 2))
            who = f'{person.who},"session_id":"{random.getrandbits(64):016x}"'
            yield Visit(start, number, length, first, who, person.currency, False)


WAYS = [way for way, row in enumerate(ARRIVALS) for _ in range(row[0])]


def _lengths(plan: Plan) -> list[int]:
    """How many events each visit has; together exactly those of the plan."""
    random = Random(f"{plan}:lengths")
    lengths: list[int] = []
    left = plan.events
    while left:
        length = min(LENGTHS[random.getrandbits(6)], left)
        lengths.append(length)
        left -= length
    return lengths


def _starts(plan: Plan, count: int) -> Iterator[int]:
    """When each visit begins, in order: evenly drawn from the hours' business, the last a while before the end."""
    random = Random(f"{plan}:starts")
    end = plan.end_ms - int(HOUR_MS / 2 * plan.pace)
    edges = [plan.start_ms, *range(plan.start_ms - plan.start_ms % HOUR_MS + HOUR_MS, end, HOUR_MS), end]
    weights = [(b - a) * BY_HOUR[a // HOUR_MS % 24] for a, b in pairwise(edges)]
    reached = [0, *accumulate(weights)]
    hour = 0
    for number in range(count):
        target = (number + random.random()) / count * reached[-1]
        while reached[hour + 1] < target:
            hour += 1
        yield int(edges[hour] + (target - reached[hour]) / BY_HOUR[edges[hour] // HOUR_MS % 24])


def _between(least: float, most: float, count: int) -> list[int]:
    """Spans from `least` to `most`, evenly spread over their orders of magnitude."""
    least = max(least, 1)
    return [int(least * (max(most, least) / least) ** (i / (count - 1))) for i in range(count)]


def _uuid(bits: int) -> str:
    """The UUID (version 4) of 128 random bits."""
    text = f"{bits & (1 << 128) - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
