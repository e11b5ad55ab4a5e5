"""Five times too much: no crash, bounded memory, all that was answered 202 stored, and how soon all is as before.

`python -m bench overload [--rate EVENTS] [--times 5] [--seconds N]`. `--rate` is what is usual, sent before and after for
`--usual-seconds`.
"""

import sys
from collections.abc import Sequence

from msgspec import structs

from bench.drive import Run, drive, prove_run
from bench.evidence import begin
from bench.exactness import together
from bench.figures import percentile
from bench.options import layout, parser, plan
from bench.outcome import lines, outcome, told
from bench.probe import Followed
from bench.stack import running

NORMAL = 2.0
"""Freshness within so many times the usual p95 is as before."""


def main(words: list[str]) -> int:
    """Measure; 1 if a process ended, or if what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=10_000, seconds=60, connections=256)
    options.add_argument("--times", type=float, default=5)
    options.add_argument("--usual-seconds", type=float, default=30)
    asked = options.parse_args(words)
    evidence = begin("overload", asked)
    usual = structs.replace(plan(asked), seconds=asked.usual_seconds)
    too_much = plan(asked, asked.rate * asked.times)
    with running(layout(asked)) as stack:
        pids = stack.pids()
        runs = [drive(stack, each, prove_it=False) for each in (usual, too_much, usual)]
        stack.drained(600)
        ended = sorted(name for name, pid in pids.items() if stack.pids().get(name) != pid)
        for run in runs:
            prove_run(stack, run)
    for name, run in zip(("before", "overload", "after"), runs, strict=True):
        evidence.raw(f"run-{name}", run)
        told(evidence, found := outcome(run), name, name)
        print(f"-- {name}", *lines(found), sep="\n")
    limit = NORMAL * percentile(seen(runs[0].probes), 0.95)
    back = recovered_after(runs[2].probes, end_of(runs[1]), limit)
    evidence.raw("recovery", {"usual_p95": limit / NORMAL, "seconds": back, "ended": ended})
    evidence.figure("overload: until freshness is usual again", "s", "recovery", "seconds")
    print(f"usual freshness again after {back} s; processes that ended: {', '.join(ended) or 'none'}")
    proof = together(run.proof for run in runs if run.proof)
    print("exact" if proof.is_exact else "NOT EXACT", proof._asdict())
    return 0 if proof.is_exact and not ended else 1


def end_of(run: Run) -> float:
    """When the last request of a run was sent, in seconds since the epoch."""
    return run.began + max(each.summary.seconds for each in run.loads)


def seen(probes: Sequence[Followed]) -> list[float]:
    """After how long events were found by SQL, of those that were."""
    return [each.seen for each in probes if each.seen is not None]


def recovered_after(probes: Sequence[Followed], end: float, limit: float) -> float | None:
    """From a moment to the first event from which on all are found within a limit; None if there is none."""
    since: float | None = None
    for each in sorted(probes, key=lambda probe: probe.sent):
        is_good = each.seen is not None and each.seen <= limit
        since = (since if since is not None else each.sent) if is_good else None
    return None if since is None else max(since - end, 0.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
