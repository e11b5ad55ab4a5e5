"""What a hot tenant does to the others: their answer times and freshness with and without it.

`python -m bench tenants [--rate EVENTS] [--hot 0.6]`. The others send at `--rate` in both runs; the hot one adds so much that
its share of all is `--hot`. The probe is one of the others.
"""

import sys

from msgspec import structs

from bench.drive import drive
from bench.evidence import begin
from bench.options import layout, parser, plan
from bench.outcome import lines, outcome, told
from bench.stack import running

GRANTED = 1.5


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    asked = parser(__doc__, rate=5_000, sites=20, hot=0.6).parse_args(words)
    evidence = begin("tenants", asked)
    others = plan(asked)
    others = structs.replace(others, profile=structs.replace(others.profile, hot_ratio=1e-9))
    with running(layout(asked)) as stack:
        without = outcome(drive(stack, others))
        with_hot = outcome(drive(stack, plan(asked, asked.rate / (1 - asked.hot))))
    for name, found in (("without a hot tenant", without), ("with a hot tenant", with_hot)):
        told(evidence, found, name.replace(" ", "-"), name)
        print(f"-- {name}", *lines(found), sep="\n")
    ratio = with_hot.freshness["seen"]["p95"] / without.freshness["seen"]["p95"]
    evidence.raw("ratio", {"seen": ratio})
    evidence.figure("others' freshness p95, with over without", "×", "ratio", "seen")
    print(f"others' freshness p95: ×{ratio:.2f} ({'within' if ratio <= GRANTED else 'NOT within'} ×{GRANTED})")
    print(f"evidence: {evidence.folder.name}")
    return 0 if without.is_exact and with_hot.is_exact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
