"""The rate that is sustained end to end: accepted, enriched, stored with all its views, in the minute aggregates.

`python -m bench sustained [--rate EVENTS] [--seconds N] [--search]` offers a rate to the whole product and tells whether lag
stays bounded; with `--search` it first finds the highest rate that does, in short runs. `--size 1` is `bench singles`.
"""

import argparse
import sys

from bench import limits
from bench.drive import drive
from bench.evidence import Evidence, begin
from bench.figures import highest
from bench.options import layout, parser, plan
from bench.outcome import Outcome, lines, outcome, told
from bench.stack import Stack, running

PRECISE = 0.07
TRIED_S = 15.0
MOST_TRIED = 8


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    return run(parser(__doc__, rate=20_000), words, "batches")


def run(options: argparse.ArgumentParser, words: list[str], what: str) -> int:
    """Measure requests as asked; `what` names them in the last line."""
    options.add_argument("--search", action="store_true", help="find the highest rate first, beginning with --rate")
    options.add_argument(
        "--no-limits", action="store_true", help="without the limits of the stages, which take a minute"
    )
    asked = options.parse_args(words)
    evidence = begin(f"sustained-{what}", asked)
    if not asked.no_limits:
        limits.told(evidence, asked.embedded)
    with running(layout(asked)) as stack:
        found = measure(stack, asked, evidence, what)
    print(f"evidence: {evidence.folder.name}")
    print(verdict(found, what))
    return 0 if found.is_exact and not found.differing_minutes else 1


def measure(stack: Stack, asked: argparse.Namespace, evidence: Evidence, what: str) -> Outcome:
    """Find the rate if that is asked for, hold it, and keep what came of it."""
    rate = search(stack, asked, evidence, what) if asked.search else asked.rate
    record = drive(stack, plan(asked, rate))
    found = outcome(record)
    evidence.raw(f"run-{what}", record)
    told(evidence, found, what, f"sustained {what}", what == "singles")
    print("\n".join(lines(found)), flush=True)
    return found


def verdict(found: Outcome, what: str) -> str:
    """The line that says what is sustained; of a run that was not, that it was not."""
    rate = (
        f"{found.requests_a_second:,.0f} requests/s"
        if what == "singles"
        else f"{found.accepted_a_second:,.0f} events/s"
    )
    return f"sustained {what}: {rate}" if found.is_sustained else f"not sustained {what}: {rate}"


def search(stack: Stack, asked: argparse.Namespace, evidence: Evidence, what: str) -> float:
    """The highest rate, in events a second, whose lag is bounded over a short run."""
    tried: dict[float, bool] = {}
    rate: float | None = asked.rate
    seconds, asked.seconds = asked.seconds, min(asked.seconds, TRIED_S)
    while rate and len(tried) < MOST_TRIED:
        found = outcome(drive(stack, plan(asked, rate)))
        tried[rate] = found.is_sustained
        evidence.raw(f"search-{what}-{len(tried)}", found)
        print(
            f"  {rate:10,.0f} offered: accepted {found.accepted_a_second:10,.0f}, lag {found.lag.last:.2f} s,"
            f" rise {found.lag.rise:+.2f}, {'held' if found.is_sustained else 'did not hold'}",
            flush=True,
        )
        _, rate = highest(tried, PRECISE)
    asked.seconds = seconds
    return highest(tried, PRECISE)[0] or min(tried)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
