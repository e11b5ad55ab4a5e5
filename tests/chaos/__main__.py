"""`python -m tests.chaos --seed 7 --faults 50`: random faults under load, repeatable by the seed; exits 1 if anything is lost or doubled."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests.chaos import plan
from tests.chaos.load import Load
from tests.chaos.run import begin, run

REBALANCING = ("streams", "sink")


def main() -> int:
    """Run as asked; 1 if the store is not exact, and then the folder of all logs stays."""
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix=f"pulse-chaos-{asked.seed}-"))
    _say(f"seed {asked.seed}; the logs of all processes are in {folder}/logs")
    product = begin(folder, static=asked.seed % 2 == 1)
    targets = [name for name in product.parts if name not in ("query", "live")]
    if asked.rebalances:
        targets = [name for name in targets if name.startswith(REBALANCING)]
    faults = (plan.rebalances if asked.rebalances else plan.faults)(asked.seed, targets)
    planned = list(islice(faults, asked.faults))
    for fault in [] if asked.seconds else planned:
        _say(f"  {fault}")
    try:
        found = run(product, planned, Load(product, asked.seed, asked.rate), _say, asked.seconds or float("inf"))
    finally:
        product.end()
    for error in found.errors:
        _say(error)
    _say(f"seed {asked.seed}, {found.faults} faults: {'exact' if found.is_exact else f'NOT EXACT; see {folder}'}")
    if found.is_exact:
        shutil.rmtree(folder)
    return 0 if found.is_exact else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="one at random unless given")
    parser.add_argument("--faults", type=int, default=50, help="how many (50)")
    parser.add_argument("--seconds", type=float, help="no fault begins later than this")
    parser.add_argument("--rate", type=float, default=2_000, help="events a second (2000)")
    parser.add_argument("--rebalances", action="store_true", help="only members of the groups that go and come back")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
