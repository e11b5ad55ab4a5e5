"""A second opinion on alert rules: brute force over plain counts, written from docs/alerts.md and from nothing of the product."""

from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from statistics import median
from typing import Any

DAY = 1440
BACK = {"day": DAY, "week": 7 * DAY}


@dataclass
class Reference:
    """One rule on one series of events; `told` is what it tells: the kind, the minute, the minute in which it began."""

    rule: dict[str, Any]
    counts: Counter[int] = field(default_factory=Counter)
    told: list[tuple[str, int, int]] = field(default_factory=list)
    alarm: int | None = None
    waiting: int | None = None
    deaf_before: int = 0
    over_until: int = -1

    def add(self, minute: int, number: int) -> None:
        self.counts[minute] += number

    def running(self, minute: int) -> None:
        """A look at a minute that is not over: it can only raise an alarm, and only by passing a number upwards."""
        condition = self.rule["condition"]
        upwards = condition["kind"] == "threshold" and condition["operator"] in (">", ">=")
        if upwards and self.alarm is None and minute >= self.deaf_before and self.judge(minute)[0]:
            self._breach(minute, self.over_until >= minute - 1 or not self.rule.get("for_minutes", 0))

    def closed(self, minute: int) -> None:
        """A look at a minute that is over."""
        self.over_until = minute
        if minute < self.deaf_before:
            return
        wrong, well = self.judge(minute)
        if self.alarm is not None:
            if well:
                self.told.append(("resolved", minute, self.alarm))
                self.alarm, self.waiting, self.deaf_before = None, None, minute + 1
        elif wrong:
            self._breach(minute)
        else:
            self.waiting = None

    def _breach(self, minute: int, is_known: bool = True) -> None:
        if self.waiting is None:
            self.waiting = self.deaf_before = minute
        usual = 1 if self.rule["condition"]["kind"] == "anomaly" else 0
        long_enough = minute - self.waiting >= self.rule.get("for_minutes", usual)
        fired = [at for kind, at, _ in self.told if kind != "resolved"]
        calm = not fired or minute - fired[-1] >= self.rule.get("cooldown_minutes", 0)
        if is_known and long_enough and calm:
            kind = "no_data" if self.rule["condition"]["kind"] == "no_data" else "firing"
            self.told.append((kind, minute, minute))
            self.alarm = self.deaf_before = minute

    def window(self, last: int) -> int:
        width: int = self.rule["window_minutes"]
        return sum(self.counts[minute] for minute in range(last - width + 1, last + 1))

    def judge(self, minute: int) -> tuple[bool, bool]:
        """Whether it is wrong, and whether all is well again; neither where that cannot be told."""
        condition, value = self.rule["condition"], self.window(minute)
        kind = condition["kind"]
        if kind == "no_data":
            return value == 0, value > 0
        if kind == "anomaly":
            score = self.score(minute)
            if score is None:
                return False, False
            size = {"up": score, "down": -score, "both": abs(score)}[condition["direction"]]
            return size >= condition["z"], size < condition["z"] / 2 or size == 0
        volume = value
        if kind == "relative":
            if minute - self._back() - self.rule["window_minutes"] + 1 < min(self.counts, default=minute):
                return False, False
            before = self.window(minute - self._back())
            if before == 0:
                return False, False
            volume, value, limit = max(value, before), (value - before) / before * 100, condition["percent"]  # type: ignore[assignment]
        else:
            limit = condition["value"]
        if volume < self.rule.get("min_volume", 0):
            return False, False
        back = condition.get("resolve")
        return _is(condition["operator"], value, limit), not _is(
            condition["operator"], value, limit if back is None else back
        )

    def _back(self) -> int:
        width: int = self.rule["window_minutes"]
        return BACK.get(self.rule["condition"]["against"], width)

    def score(self, minute: int) -> float | None:
        """How many robust deviations the window lies from what is usual."""
        width, first = self.rule["window_minutes"], min(self.counts, default=minute)
        days = [
            day for day in range(1, 15) if all(minute - DAY * n - 2 - width + 1 >= first for n in range(1, day + 1))
        ]
        if len(days) >= 3:
            end = minute - width - 5
            hours = [sum(self.counts[m - DAY * day] for m in range(end - 59, end + 1)) for day in (0, *days)]
            scaled = []
            for day, hour in zip(days, hours[1:], strict=True):
                level = min(max(hours[0] / hour, 0.25), 4.0) if hour > 0 and hours[0] > 0 else 1.0
                scaled += [level * self.window(minute - DAY * day + shift) for shift in range(-2, 3)]
        else:
            steps = min(120 // width, (minute - width - first + 1) // width)
            if steps < 20:
                return None
            scaled = [float(self.window(minute - width * step)) for step in range(1, steps + 1)]
        middle = median(scaled)
        if max(self.window(minute), middle) < self.rule.get("min_volume", 30):
            return None
        spread = 1.4826 * median([abs(sample - middle) for sample in scaled])
        return (self.window(minute) - middle) / max(spread, sqrt(max(middle, 1)), 0.08 * middle)


def _is(operator: str, value: float, limit: float) -> bool:
    if operator == "==":
        return value == limit
    if operator == "!=":
        return value != limit
    if operator[0] == ">":
        return value > limit or (operator == ">=" and value == limit)
    return value < limit or (operator == "<=" and value == limit)
