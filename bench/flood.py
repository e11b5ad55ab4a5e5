"""What telling floods costs the collector: CPU nanoseconds an event, beside the judging of a batch.

`python -m bench.flood`. Each case is the best of many rounds over requests of 1,000 different visitors: with nobody over the limit,
as nearly always, and while one visitor of the site floods, when each event of that site is looked at.
"""

import random
import time
from collections.abc import Sequence

from api.collector.decode import Incoming
from api.collector.flood import Floods
from api.collector.lane import Some, part
from api.collector.stamp import Receipt

ROUNDS = 30
EVENTS = 20_000
BATCHES = (500, 50, 5, 1)
RATE = 200.0
EVENTS_A_SECOND = 20_000.0


def requests(size: int, flooding: float) -> list[Some]:
    """Requests of so many events, of which so large a part is one visitor's."""
    chance = random.Random(size)
    names = [f"visitor-{number}" for number in range(1_000)]

    def event() -> Incoming:
        own = "flood" if chance.random() < flooding else chance.choice(names)
        return Incoming(event="e", visitor_id=own, ts=0)

    return [Some([event() for _ in range(size)], range(size)) for _ in range(EVENTS // size)]


def cost(some: Sequence[Some], floods: Floods) -> float:
    """CPU nanoseconds an event; events come at `EVENTS_A_SECOND` of the clock of `floods`."""
    receipt, best, now = Receipt("shop", 0, secret=True), float("inf"), 0.0
    for _ in range(ROUNDS):
        begun = time.process_time()
        for each in some:
            now += len(each.events) / EVENTS_A_SECOND
            part(each, receipt, floods, now)
        best = min(best, time.process_time() - begun)
    return best / EVENTS * 1e9


def main() -> None:
    """Measure and print."""
    print(f"{'batch':>6} {'off':>8} {'calm':>8} {'flood':>8}  ns an event")
    for size in BATCHES:
        calm, flood = requests(size, 0), requests(size, 0.25)
        figures = [cost(calm, Floods(0, 0)), cost(calm, Floods(RATE, 0)), cost(flood, Floods(RATE, 0))]
        print(f"{size:>6} " + " ".join(f"{each:>8.0f}" for each in figures))


if __name__ == "__main__":
    main()
