"""The evaluation of rules beside a second opinion: on simulated traffic with steps, spikes, season, gaps, late data, restarts."""

import random
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from msgspec import json

from pulse.alerting.rule import Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.site import Site, Told
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched
from pulse.minute import MINUTE_MS, Partial
from streams.alerts.told import last
from tests.alertreference import Reference

BEGIN = 29_000_000
MINUTES = 120


def traffic(dice: random.Random) -> list[int]:
    """Counts by minute: a level with a season, steps, spikes and gaps."""
    level, season = dice.choice([0, 3, 10, 40]), dice.choice([0, 0.5])
    counts = []
    for minute in range(MINUTES):
        level = dice.choice([level, 3, 20, 60]) if dice.random() < 0.03 else level
        usual = level * (1 + season * ((minute % 40) / 20 - 1))
        spike = dice.choice([1] * 20 + [4, 0, 0])
        counts.append(int(usual * spike * dice.uniform(0.7, 1.3)))
    return counts


def some_rule(dice: random.Random) -> dict[str, Any]:
    """A rule on the number of events."""
    rule: dict[str, Any] = {
        "metric": "events",
        "window_minutes": dice.choice([1, 1, 2, 5, 15]),
        "for_minutes": dice.choice([0, 0, 1, 3]),
        "cooldown_minutes": dice.choice([0, 0, 10]),
    }
    kind = dice.choice(["threshold", "threshold", "relative", "no_data", "anomaly"])
    operator = dice.choice([">", ">=", "<", "<="])
    value = dice.choice([1, 10, 30, 60])
    looser = dice.choice([0.5, 1]) if operator[0] == ">" else dice.choice([1, 2])
    if kind == "threshold":
        operator = dice.choice([operator, operator, "==", "!="])
        resolve = {"resolve": value * looser} if operator not in ("==", "!=") and dice.random() < 0.5 else {}
        rule["condition"] = {"kind": kind, "operator": operator, "value": value} | resolve
    elif kind == "relative":
        percent = dice.choice([50, 100, -50])
        rule["condition"] = {"kind": kind, "against": "previous", "operator": operator, "percent": percent}
    elif kind == "anomaly":
        rule["condition"] = {"kind": kind, "direction": dice.choice(["up", "down", "both"]), "z": 4.0}
    else:
        rule["condition"] = {"kind": kind}
    return rule | ({"min_volume": dice.choice([5, 20])} if kind != "no_data" and dice.random() < 0.5 else {})


class Course:
    """The product's evaluation, which may die at any moment: of what it told only the notices are left."""

    def __init__(self, rule: dict[str, Any]) -> None:
        made = Rule.model_validate(rule)
        self.watched = Watched("rule", "site", "A rule", made, selector_of(made), 0)
        self.site = Site([self.watched])
        self.counted: list[tuple[int, int]] = []
        self.notices: list[bytes] = []
        self.told: list[Told] = []
        self.closed_until = BEGIN - 1

    def add(self, minute: int, number: int) -> None:
        self.counted.append((minute, number))
        self._count(minute, number)

    def running(self, minute: int) -> None:
        self._tell(self.site.run([minute], minute * MINUTE_MS))

    def closed(self, minute: int) -> None:
        self._tell(self.site.close(minute))
        self.closed_until = minute

    def die(self, before_telling: int = 0) -> None:
        """Begin anew, as the process does; `before_telling` minutes were closed whose offset had not been committed."""
        self.site = Site([self.watched], last(self.notices).get("site"))
        for minute, number in self.counted:
            self._count(minute, number)
        evaluated = self.closed_until - before_telling
        for minute in range(max(evaluated - self.watched.rule.holds_for, BEGIN - 1) + 1, self.closed_until + 1):
            self._tell(self.site.close(minute, evaluated))

    def _count(self, minute: int, number: int) -> None:
        self.site.add(Partial(site_id="site", minute=minute * MINUTE_MS, event="x", events=number))

    def _tell(self, told: Sequence[Told]) -> None:
        self.told += told
        self.notices += [json.encode(notice_of(each, 0)) for each in told]

    @property
    def changes(self) -> list[tuple[str, int, int]]:
        return [tuple(each.change) for each in self.told]  # type: ignore[misc]


def steps(dice: random.Random, counts: Sequence[int], most_late: int, delay: int = 0) -> Iterator[tuple[str, int, int]]:
    """What happens in which order: counts come in parts, some of them late; minutes are looked at, then closed."""
    late: list[tuple[int, int, int]] = []
    closed = BEGIN - 1
    for minute, number in enumerate(counts, BEGIN):
        parts = [number // 3, number // 3, number - 2 * (number // 3)]
        for part in parts:
            if part and most_late and dice.random() < 0.1:
                late.append((minute + dice.randint(1, most_late), minute, part))
            elif part:
                yield "add", minute, part
            if dice.random() < 0.5:
                yield "running", minute, 0
        for due, of, part in late:
            if due == minute:
                yield "add", of, part
        until = minute - (dice.randint(0, delay) if delay else 0)
        yield from zip(repeat("closed"), range(closed + 1, until + 1), repeat(0), strict=False)
        closed = max(closed, until)


def alike(
    seed: int, most_late: int, dies: float, delay: int = 0
) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, int]], Course]:
    """What the product tells of a random rule and series, what the second opinion does, and the product's course."""
    dice = random.Random(seed)
    rule, counts = some_rule(dice), traffic(dice)
    course, reference = Course(rule), Reference(rule)
    for what, minute, number in steps(dice, counts, most_late, delay):
        arguments = (minute, number) if what == "add" else (minute,)
        getattr(reference, what)(*arguments)
        getattr(course, what)(*arguments)
        if what == "closed" and dice.random() < dies:
            course.die(dice.randrange(3))
    return course.changes, reference.told, course


def is_told_once(course: Course) -> bool:
    """Whether no two notices have the same id."""
    ids = [json.decode(notice)["id"] for notice in course.notices]
    return len(set(ids)) == len(ids)
