"""Five times too much: no crash, bounded memory, all that was answered 202 stored, and how soon all is as before.

`python -m bench overload [--rate EVENTS] [--times 5] [--seconds N]`. `--rate` is what is usual, and is sent throughout: for
`--usual-seconds`, then for `--seconds` together with as much more as makes it too much, then for twice `--usual-seconds`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from bench.drive import Run, Told, drive, generate, prove_run
from bench.evidence import begin
from bench.exactness import Proof
from bench.figures import percentile
from bench.options import layout, parser, plan
from bench.outcome import memory
from bench.probe import Followed
from bench.stack import Stack, running

NORMAL = 2.0
"""Freshness within so many times the usual p95 is as before."""


def main(words: list[str]) -> int:
    """Measure; 1 if a process ended, or if what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=10_000, seconds=60, connections=256)
    options.add_argument("--times", type=float, default=5)
    options.add_argument("--usual-seconds", type=float, default=30)
    asked = options.parse_args(words)
    evidence = begin("overload", asked)
    more: list[Told] = []
    usual = structs.replace(plan(asked), seconds=asked.seconds + 3 * asked.usual_seconds)
    with running(layout(asked)) as stack:
        pids = stack.pids()
        run = drive(stack, usual, meanwhile=adding(stack, asked, more), prove_it=False)
        stack.drained(600)
        ended = sorted(name for name, pid in pids.items() if stack.pids().get(name) != pid)
        run.loads += more
        prove_run(stack, run)
    found = told(run, more[0], asked, ended)
    evidence.raw("run", run)
    evidence.raw("overload", found)
    for name, unit in (("accepted_a_second", "events/s"), ("recovered_after", "s"), ("is_exact", ""), ("ended", "")):
        evidence.figure(f"overload: {name.replace('_', ' ')}", unit, "overload", name)
    print("\n".join(f"{name.replace('_', ' '):18} {value}" for name, value in found.items()))
    return 0 if found["is_exact"] and not ended else 1


def adding(stack: Stack, asked: argparse.Namespace, more: list[Told]) -> Callable[[float], None]:
    """Waits, then sends what is too much for a while; what came of it is added to `more`."""

    def add(_: float) -> None:
        time.sleep(asked.usual_seconds)
        more.append(generate(stack, plan(asked, asked.rate * (asked.times - 1)), 1).told())

    return add


def told(run: Run, more: Told, asked: argparse.Namespace, ended: list[str]) -> dict[str, Any]:
    """What came of it."""
    begun = more.summary.began
    over = begun + more.summary.seconds
    before = [each for each in run.probes if each.sent < begun]
    usual = percentile([each.seen for each in before if each.seen is not None], 0.95)
    proof = run.proof or Proof()
    return {
        "accepted_a_second": asked.rate + more.summary.accepted / more.summary.seconds,
        "offered_a_second": asked.rate * asked.times,
        "answers": more.summary.statuses,
        "unsent": more.summary.unsent,
        "accept_latency": more.summary.latency,
        "usual_seen_p95": usual,
        "recovered_after": recovered_after([each for each in run.probes if each.sent >= over], over, NORMAL * usual),
        "most_mb": {name: round(sizes["most"]) for name, sizes in memory(run).items()},
        "ended": ended,
        "proof": proof._asdict(),
        "is_exact": proof.is_exact and not run.differing_minutes,
    }


def recovered_after(probes: Sequence[Followed], end: float, limit: float) -> float | None:
    """From a moment to the first event from which on all are found within a limit; None if there is none."""
    since: float | None = None
    for each in sorted(probes, key=lambda probe: probe.sent):
        is_good = each.seen is not None and each.seen <= limit
        since = (since if since is not None else each.sent) if is_good else None
    return None if since is None else max(since - end, 0.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
