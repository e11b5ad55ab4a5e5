"""The short form of it all, about ten minutes: `make bench`, `python -m bench short [--seconds N]`.

Finds and holds the highest rate of batches of 500 and of single events on Apache Kafka, measures freshness and accept latency at
a tenth and at half of it and of a lone event, and beside them the limits of the stages alone. Ends with the figures.
"""

import argparse
import sys

from msgspec import structs

from bench import limits
from bench.drive import drive
from bench.evidence import Evidence, begin
from bench.latency import lone
from bench.options import layout, parser, plan
from bench.outcome import Outcome, lines, outcome, told
from bench.stack import Stack, running
from bench.sustained import measure, verdict

SINGLES = {"size": 1, "rate": 2_000.0, "connections": 512}
SHARES = (0.1, 0.5)


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    asked = parser(__doc__, rate=20_000, seconds=45, search=True).parse_args(words)
    evidence = begin("short", asked)
    found: dict[str, Outcome] = {}
    limits.told(evidence, asked.embedded)
    with running(layout(asked)) as stack:
        print("== batches of 500", flush=True)
        found["batches"] = measure(stack, asked, evidence, "batches")
        print("== single events", flush=True)
        single = argparse.Namespace(**vars(asked) | SINGLES)
        found["singles"] = measure(stack, single, evidence, "singles")
        found |= latencies(stack, asked, evidence, found["batches"].accepted_a_second)
    print(f"evidence: {evidence.folder.name}")
    print(*last(found), sep="\n")
    return 0 if all(each.is_exact and not each.differing_minutes for each in found.values()) else 1


def latencies(stack: Stack, asked: argparse.Namespace, evidence: Evidence, rate: float) -> dict[str, Outcome]:
    """Latency and freshness at shares of a rate, and of a lone event."""
    whole = structs.replace(plan(asked), seconds=min(asked.seconds, 20))
    plans = {f"{share:.0%}": structs.replace(whole, rate=rate * share / asked.size) for share in SHARES}
    found = {}
    for name, each in ({"lone": lone(whole)} | plans).items():
        found[name] = outcome(drive(stack, each))
        told(evidence, found[name], f"at-{name.rstrip('%')}", f"at {name}", name == "lone")
        print(f"== at {name}", *lines(found[name]), sep="\n", flush=True)
    return found


def last(found: dict[str, Outcome]) -> list[str]:
    """The figures, a line each."""
    told = [verdict(found["batches"], "batches"), verdict(found["singles"], "singles")]
    for name in ("10%", "50%"):
        seen, counted = found[name].freshness["seen"], found[name].freshness["counted"]
        told.append(
            f"freshness at {name}: by SQL p50 {_ms(seen, 'p50')} p95 {_ms(seen, 'p95')} ms,"
            f" in /api/v1/stats p50 {_ms(counted, 'p50')} p95 {_ms(counted, 'p95')} ms"
        )
    for name in ("lone", "10%", "50%"):
        accept = found[name].accept
        told.append(
            f"accept latency, {name}: p50 {_ms(accept, 'p50')} p95 {_ms(accept, 'p95')} p99 {_ms(accept, 'p99')} ms"
        )
    return told


def _ms(found: dict[str, float], name: str) -> str:
    return f"{found[name] * 1000:.0f}" if name in found else "–"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
