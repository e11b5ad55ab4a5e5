"""Accept latency and freshness at 10, 50 and 90 % of a rate, and of a lone event.

`python -m bench latency --rate EVENTS [--seconds N] [--size 1]`.
"""

import argparse
import sys

from msgspec import structs

from bench.drive import Plan, drive
from bench.evidence import Evidence, begin
from bench.options import layout, parser, plan
from bench.outcome import lines, outcome, told
from bench.stack import Stack, running

SHARES = (0.1, 0.5, 0.9)
LONE_RATE = 10.0
"""Lone events a second: each is answered long before the next is sent."""


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    asked = parser(__doc__, rate=20_000).parse_args(words)
    evidence = begin("latency", asked)
    with running(layout(asked)) as stack:
        good = measure(stack, asked, evidence)
    print(f"evidence: {evidence.folder.name}")
    return 0 if good else 1


def measure(stack: Stack, asked: argparse.Namespace, evidence: Evidence) -> bool:
    """A lone event, then each share of the rate; whether all is exact."""
    plans = {"lone event": lone(plan(asked))} | {f"{share:.0%}": plan(asked, asked.rate * share) for share in SHARES}
    good = True
    for name, each in plans.items():
        found = outcome(drive(stack, each))
        told(evidence, found, f"at {name}".replace("%", " percent"), f"at {name}", each.profile.size == 1)
        print(f"-- {name}", *lines(found), sep="\n", flush=True)
        good = good and bool(found.is_exact) and not found.differing_minutes
    return good


def lone(like: Plan) -> Plan:
    """Single events, one after the other, with nothing beside them."""
    profile = structs.replace(like.profile, size=1, duplicate_ratio=0.0)
    return structs.replace(like, profile=profile, rate=LONE_RATE, connections=1, generators=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
