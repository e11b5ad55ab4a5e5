"""Whether an event costs the same for 1 site and 500, 10,000 visitors and 10,000,000, and whether memory stays flat.

`python -m bench flatness [--rate EVENTS] [--seconds N] [--most-sites 500] [--most-visitors 10000000]`. One stack serves all
runs, so that tables and memories grow from run to run, which is the question.
"""

import sys

from msgspec import structs

from bench.drive import Plan, drive
from bench.evidence import begin
from bench.options import layout, parser, plan
from bench.outcome import outcome, told
from bench.stack import running

SITES = (1, 50, 500)
VISITORS = (10_000, 1_000_000, 10_000_000)


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=10_000, seconds=20)
    options.add_argument("--most-sites", type=int, default=SITES[-1])
    options.add_argument("--most-visitors", type=int, default=VISITORS[-1])
    asked = options.parse_args(words)
    asked.sites = asked.most_sites
    evidence, good = begin("flatness", asked), True
    first: dict[str, float] = {}
    with running(layout(asked)) as stack:
        for name, each in cases(plan(asked), asked.most_sites, asked.most_visitors).items():
            found = outcome(drive(stack, each))
            told(evidence, found, name, name)
            good = good and bool(found.is_exact)
            first = first or found.cpu
            print(f"-- {name}: {stack.stored():,} rows, lag {'bounded' if found.is_sustained else 'NOT bounded'}")
            for process, us in found.cpu.items():
                mb = found.memory.get(process, {}).get("most", 0)
                print(
                    f"   {process:12} {us:7.2f} µs/event  ×{us / max(first.get(process, us), 0.01):.2f}  {mb:6.0f} MB"
                )
            sys.stdout.flush()
    print(f"evidence: {evidence.folder.name}")
    return 0 if good else 1


def cases(like: Plan, most_sites: int, most_visitors: int) -> dict[str, Plan]:
    """The runs by name: the simplest first, and once more at last, when the tables are no longer empty."""
    simplest = structs.replace(like, sites=1, profile=structs.replace(like.profile, visitors=VISITORS[0]))
    found = {"1 site, 10,000 visitors": simplest}
    for sites in sorted({n for n in (*SITES[1:], most_sites) if n <= most_sites}):
        found[f"{sites} sites"] = structs.replace(simplest, sites=sites)
    for many in sorted({n for n in (*VISITORS[1:], most_visitors) if n <= most_visitors}):
        found[f"{many:,} visitors"] = structs.replace(
            simplest, profile=structs.replace(simplest.profile, visitors=many)
        )
    return found | {"1 site, 10,000 visitors again": simplest}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
