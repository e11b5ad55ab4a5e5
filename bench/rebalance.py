"""Workers and sinks added and removed again and again under load: nothing lost, nothing doubled.

`python -m bench rebalance [--rate EVENTS] [--seconds N] [--every 10]`.
"""

import sys
import time
from collections.abc import Callable

from msgspec import structs

from bench.drive import drive
from bench.evidence import begin
from bench.options import layout, parser, plan
from bench.outcome import lines, outcome, told
from bench.stack import Stack, running


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    options = parser(__doc__, rate=5_000, seconds=60)
    options.add_argument("--every", type=float, default=10, help="seconds from one change to the next")
    asked = options.parse_args(words)
    evidence = begin("rebalance", asked)
    changes: list[tuple[float, str]] = []
    with running(layout(asked)) as stack:
        change = changing(stack, asked.every, changes)
        run = drive(stack, structs.replace(plan(asked), patient=True), meanwhile=change)
    found = outcome(run)
    evidence.raw("changes", changes)
    evidence.raw("run", run)
    told(evidence, found, "outcome", "rebalances")
    print("\n".join(lines(found)))
    exact = bool(found.is_exact) and not found.differing_minutes
    print(f"{len(changes)} changes: {'exact' if exact else 'NOT EXACT'}")
    return 0 if exact else 1


def changing(stack: Stack, every: float, changes: list[tuple[float, str]]) -> Callable[[float], None]:
    """Adds one process and removes it again, of the streams and of the sink in turn; notes when and what."""

    def change(seconds: float) -> None:
        began, added = time.monotonic(), ""
        while (at := time.monotonic() - began) + every < seconds:
            time.sleep(every)
            if added:
                stack.product.remove(added)
                changes.append((at, f"removed {added}"))
                added = ""
            else:
                added = stack.product.add("sink" if len(changes) % 4 == 2 else "streams")
                changes.append((at, f"added {added}"))

    return change


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
