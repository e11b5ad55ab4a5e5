"""What alert rules cost, and how often anomalies are told of nothing or missed.

`python -m bench alerting [--rules 10000] [--sites 500] [--levels 100 600 3000] [--series 1000]`. Needs no service: the evaluation is
arithmetic. So many series of two hours (steps, spikes, season, gaps), once as they are, once with late data and once with deaths of the
process, are evaluated beside a reference written apart. Ends with 1 if it tells anything else, if a minute of all rules takes more than
5 s, or if anomalies are told of nothing or missed too often; drops count from 600 events a minute on, quieter levels show what is found there.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import psutil

from bench.evidence import begin
from pulse.alerting.look import look
from pulse.alerting.rule import DAY, Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.series import Series
from pulse.alerting.site import Site
from pulse.alerting.state import State, after
from pulse.alerting.watched import Watched
from tests.alertcourse import alike, is_told_once

BEGIN = 29_520_000 - 29_520_000 % DAY
DAYS = 14
HOUR = 60
FOUND_WITHIN = 3
INCIDENT = 10
APART = 6 * HOUR
COURSES = 8
"""Of 14 days each, into which incidents are put."""
DROPS_FROM = 600
"""Events a minute on average, a fifth of it in the quietest hours."""
GRANTED = 1.0
WANTED = 0.95
WITHIN_S = 5.0
DISTURBED = {"plain": (0, 0.0), "late": (4, 0.0), "restarts": (0, 0.1)}
"""Minutes that events are late at most, and how often the process dies."""

Counts = npt.NDArray[np.int64]


class Injected(NamedTuple):
    """How many incidents were made, and how many of them found in time."""

    made: int
    found: int


def conditions() -> list[dict[str, Any]]:
    """Twenty rules of a site: half of them thresholds, the others by comparison, rates and anomalies."""
    threshold: dict[str, Any] = {"kind": "threshold", "operator": ">", "value": 1e9}
    events: dict[str, Any] = {"metric": "events"}
    made = [events | {"window_minutes": w, "condition": threshold} for w in (1, 5, 15, 60, 1440)]
    made += [{**rule, "where": {"events": ["purchase"]}} for rule in made]
    made += [
        events | {"window_minutes": w, "condition": {"kind": "relative", "against": a, "operator": "<", "percent": -50}}
        for a in ("previous", "day")
        for w in (5, 60)
    ]
    ratio = {"metric": "ratio", "of": ["purchase"], "over": ["page_view"]}
    made += [ratio | {"window_minutes": w, "condition": threshold | {"value": 2}} for w in (5, 15, 60)]
    return [*made, *(events | {"window_minutes": w, "condition": {"kind": "anomaly"}} for w in (1, 5, 15))]


def traffic(dice: np.random.Generator, days: int, level: float) -> Counts:
    """Counts by minute: a day's course, weekends that are quieter, to which it passes over within six hours, and chance."""
    minutes = np.arange(days * DAY)
    course = 1 + 0.6 * np.sin(2 * np.pi * (minutes % DAY) / DAY - 2)
    weekend = np.where((np.arange(-3 * HOUR, days * DAY + 3 * HOUR) // DAY) % 7 >= 5, 0.6, 1.0)
    weekend = np.convolve(weekend, np.full(6 * HOUR + 1, 1 / (6 * HOUR + 1)), "valid")
    return dice.poisson(level * course * weekend).astype(np.int64)


def filled(rule: Rule, counts: Counts, begin_at: int = BEGIN) -> Series:
    """A series of these counts."""
    series = Series(len(counts) + rule.reach, is_money=False, is_one=True)
    for minute, number in enumerate(counts, begin_at):
        series.add(minute, int(number), int(number))
    return series


def evaluated(rules: int, sites: int, dice: np.random.Generator) -> dict[str, float]:
    """Seconds that all rules of all sites take for a minute, and the memory that they hold."""
    before = psutil.Process().memory_info().rss
    wanted = [Rule.model_validate(each) for each in conditions()]
    made = []
    for number in range(sites):
        own = [
            Watched(f"r{n}", f"s{number}", "r", wanted[n % len(wanted)], selector_of(wanted[n % len(wanted)]), 0)
            for n in range(rules // sites)
        ]
        site = Site(own)
        for tally in site.tallies.values():
            for series in tally.groups.values():
                for minute, count in enumerate(traffic(dice, DAYS + 1, 40)[-tally.reach :], BEGIN - tally.reach):
                    series.add(minute, int(count), int(count))
        made.append(site)
    took, cpu = [], []
    for minute in range(BEGIN, BEGIN + 5):
        began, busy = time.perf_counter(), time.process_time()
        for site in made:
            site.close(minute)
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)
    rss = psutil.Process().memory_info().rss - before
    return {
        "rules": sum(len(site.rules) for site in made),
        "seconds": max(took),
        "cpu_seconds": max(cpu),
        "series_mb": sum(site.nbytes for site in made) / 1e6,
        "rss_mb": rss / 1e6,
    }


def false_anomalies(rule: Rule, counts: Counts, first: int, end: int) -> int:
    """How often a rule fires within days without an incident."""
    series, state, fired = filled(rule, counts), State(), 0
    for minute in range(BEGIN + first * DAY, BEGIN + end * DAY):
        state, change = after(rule, state, look(rule, series, minute), minute, is_closed=True)
        fired += change is not None and change.kind == "firing"
    return fired


def injected(rule: Rule, counts: Counts, times: float, dice: np.random.Generator) -> Injected:
    """How many incidents, in which counts are so many times as high, are found within three minutes."""
    changed = counts.copy()
    starts = [at + int(dice.integers(HOUR)) for at in range(4 * DAY, len(counts) - HOUR - INCIDENT, APART)]
    for start in starts:
        part = changed[start : start + INCIDENT]
        changed[start : start + INCIDENT] = dice.poisson(part * times) if times > 1 else dice.binomial(part, times)
    series = filled(rule, changed)
    found = sum(_is_found(rule, series, BEGIN + start) for start in starts)
    return Injected(len(starts), found)


def _is_found(rule: Rule, series: Series, start: int) -> bool:
    state = State()
    for minute in range(start, start + FOUND_WITHIN):
        state, change = after(rule, state, look(rule, series, minute), minute, is_closed=True)
        if change is not None:
            return True
    return False


def _all(some: Iterable[Injected]) -> Injected:
    made, found = zip(*some, strict=True)
    return Injected(sum(made), sum(found))


def quality_of(rule: Rule, level: float, dice: np.random.Generator) -> dict[str, float]:
    """False anomalies in 1,000 rule-hours of the first days and of the next, and the shares of incidents found in time."""
    hours, counts = DAYS * 24, traffic(dice, 2 * DAYS, level)
    others = [counts, *(traffic(dice, DAYS, level) for _ in range(COURSES - 1))]
    spikes, drops = (_all(injected(rule, each[: DAYS * DAY], times, dice) for each in others) for times in (3.0, 0.5))
    return {
        "incidents": spikes.made,
        "false_first": false_anomalies(rule, counts, 0, DAYS) / hours * 1000,
        "false_later": false_anomalies(rule, counts, DAYS, 2 * DAYS) / hours * 1000,
        "spikes": spikes.found / spikes.made,
        "drops": drops.found / drops.made,
    }


def agreement(series: int) -> dict[str, dict[str, int]]:
    """Over so many series: how many changes were told, and of how many series something else than by the reference, or twice."""
    found = {}
    for name, disturbed in DISTURBED.items():
        told = others = 0
        for seed in range(series):
            ours, wanted, course = alike(seed, *disturbed)
            told += len(ours)
            others += ours != wanted or not is_told_once(course)
        found[name] = {"told": told, "others": others}
    return found


def is_well(level: float, found: dict[str, float]) -> bool:
    """Whether anomalies are told of as seldom and as surely as they are to be.

    In traffic that is quieter than `DROPS_FROM` half of it is too little to stand out of chance within three minutes.
    """
    false = max(found["false_first"], found["false_later"])
    least = min(found["spikes"], found["drops"]) if level >= DROPS_FROM else found["spikes"]
    return false <= GRANTED and least >= WANTED


def asked_of(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--levels", type=int, nargs="+", default=[100, 600, 3_000], help="events a minute")
    parser.add_argument("--series", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--label", default="", help="added to the evidence's name")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Measure; 1 if a bound is missed."""
    asked = asked_of(words)
    dice = np.random.default_rng(asked.seed)
    evidence = begin("alerting", asked)
    cost = evaluated(asked.rules, asked.sites, dice)
    print(
        f"{cost['rules']:,} rules of {asked.sites} sites: {cost['seconds']:.2f} s a minute (slowest of 5; {cost['cpu_seconds']:.2f} s of CPU),",
        f"series {cost['series_mb']:.0f} MB, process {cost['rss_mb']:.0f} MB more",
        flush=True,
    )
    rule = Rule.model_validate({"metric": "events", "window_minutes": 1, "condition": {"kind": "anomaly"}})
    quality: dict[str, dict[str, float]] = {}
    for level in asked.levels:
        found = quality[str(level)] = quality_of(rule, level, dice)
        print(
            f"{level:5} events a minute: {found['false_first']:.1f} false anomalies in 1,000 rule-hours of the first {DAYS} days,",
            f"{found['false_later']:.1f} of the next; found within {FOUND_WITHIN} minutes: {found['spikes']:.1%} of 3× spikes,",
            f"{found['drops']:.1%} of 50 % drops",
            flush=True,
        )
    agreed = agreement(asked.series)
    for name, each in agreed.items():
        print(
            f"{asked.series:,} series, {name}: {each['told']:,} changes told, {each['others']} series unlike the reference"
        )
    evidence.raw("cost", cost)
    evidence.raw("quality", quality)
    evidence.raw("agreement", agreed)
    evidence.figure("a minute of all rules", "s", "cost", "seconds")
    print(f"evidence: {evidence.folder.name}")
    agrees = not any(each["others"] for each in agreed.values())
    return (
        0
        if agrees
        and all(is_well(float(level), each) for level, each in quality.items())
        and cost["seconds"] <= WITHIN_S
        else 1
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
