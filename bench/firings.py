"""From the first event that breaks a rule to the webhook that is told of it, under load, and while processes are killed.

`python -m bench firings [--firings 60] [--apart 0.5] [--rate 1000] [--kills 0] [--embedded]`. Rules are broken one after the other, each by
an event of its own, while others come at a rate; with `--kills 20 --firings 200` the processes that evaluate and that deliver are killed
(SIGKILL) in turn meanwhile. Ends with 1 if a firing is not told of or the log holds two notices of it, or, where nobody was killed, if p95
is 3 s or more.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.evidence import begin
from bench.figures import percentile
from bench.stack import Layout, running
from tests.chaos.load import Load
from tests.firing import Firings, Told
from tests.product import Product
from tests.receiving import receiving

BOUND_S = 3.0


def main(words: list[str]) -> int:
    """Measure; 1 if a bound is missed."""
    asked = asked_of(words)
    evidence = begin("firings", asked)
    with running(Layout(embedded=asked.embedded, partitions=3)) as stack, receiving({}) as receiver:
        firings = Firings(stack.product, receiver, asked.firings, "bench")
        firings.prepare()
        with loaded(stack.product, asked.rate):
            told = firings.run(asked.apart, asked.kills)
    evidence.raw("told", told)
    took = list(told.took.values())
    evidence.raw(
        "seconds", {name: percentile(took, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}
    )
    tell(told)
    p95 = evidence.figure("from the first breaking event to the webhook, p95", "s", "seconds", "p95")
    print(f"evidence: {evidence.folder.name}")
    return 0 if told.is_exact and (asked.kills or p95 < BOUND_S) else 1


def asked_of(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firings", type=int, default=60)
    parser.add_argument("--apart", type=float, default=0.5, help="seconds between two of them")
    parser.add_argument("--rate", type=float, default=1_000, help="other events a second; 0 for none")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--embedded", action="store_true", help="the embedded log instead of Apache Kafka")
    parser.add_argument("--label", default="", help="added to the evidence's name")
    return parser.parse_args(words)


@contextmanager
def loaded(product: Product, rate: float) -> Iterator[None]:
    """Other events at a rate, for as long as the block lasts."""
    if rate <= 0:
        yield
        return
    load = Load(product, 1, rate)
    load.start()
    try:
        yield
    finally:
        load.stop()


def tell(told: Told) -> None:
    """Print what came of it."""
    took = list(told.took.values())
    print(
        f"{len(took)} firings told of, {len(told.missing)} missing, {len(told.doubled)} with two notices;"
        f" {told.kills} kills; {told.again} requests repeated what had been brought"
    )
    if took:
        p50, p95, most = (percentile(took, share) for share in (0.5, 0.95, 1.0))
        print(f"first breaking event to webhook: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {most:.2f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
