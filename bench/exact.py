"""A million events with repetitions and late ones, while streams, sink, collector and ClickHouse are each killed once.

`python -m bench.exact [EVENTS] [--calm]` prints how long it took and whether every count is exact; exits 1 if one is not.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec import json

from tests.exact import Store
from tests.product import ROOT, Product

KILLED = ("streams", "sink", "collector", "clickhouse")
PAUSE_S = 8


def main() -> int:
    """Run on Apache Kafka; 1 unless exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--calm", action="store_true", help="kill nothing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        product = Product.begin(Path(folder))
        try:
            return _run(product, asked.events, asked.calm)
        finally:
            product.end()


def _run(product: Product, events: int, calm: bool) -> int:
    began = time.monotonic()
    demo = _demo(product, events)
    if not calm:
        _kill_each(product, demo)
    said, complaint = demo.communicate(timeout=1800)
    if demo.returncode:
        print(complaint, file=sys.stderr)
        return 1
    sent = time.monotonic() - began
    product.ready()
    product.drained(within=600)
    summary = json.decode(said)
    print(f"{summary['sent']:,} sent in {sent:.0f} s, all stored after {time.monotonic() - began:.0f} s")
    return _compare(Store(f"{product.url('clickhouse')}/pulse"), summary)


def _demo(product: Product, events: int) -> "subprocess.Popen[str]":
    words = ["demo", "--fast", "--events", str(events), "--duplicates", "0.01", "--late", "0.05", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "pulse.command.main", *words, "--patience", "300"],
        cwd=ROOT,
        env={**os.environ, **product.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _kill_each(product: Product, demo: "subprocess.Popen[str]") -> None:
    for name in KILLED:
        time.sleep(PAUSE_S)
        still = "while events flow" if demo.poll() is None else "after the last event was sent"
        print(f"kill -9 {name} {still}", flush=True)
        product.kill(name)
        time.sleep(1)
        product.start(name)


def _compare(store: Store, summary: dict[str, int]) -> int:
    rows, distinct = store.events(), store.distinct()
    differing, unbalanced = store.differing_minutes(), store.unbalanced()
    print(
        f"rows {rows:,}, distinct {distinct:,}, sent distinct {summary['distinct']:,}, differing minutes {differing:,}, unbalanced {unbalanced:,}"
    )
    exact = rows == distinct == summary["distinct"] and differing == unbalanced == 0
    print("exact" if exact else "NOT EXACT")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
