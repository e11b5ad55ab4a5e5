"""µs an event of refine and rollup, without Kafka: `python -m bench.streams`.

Events vary as real ones do: visitors, pages with and without campaigns, a few hundred user agents, an address each
visitor, each id new. Caches are warm where they would be: user agents are; addresses and pages as their visitors return.
What enrichment and scoring cost is told of another mix, with networks to look addresses up in: see `bench.enrichment`.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from time import process_time

from msgspec import json
from pydantic import SecretStr

from bench import enrichment
from pulse.event import RawEvent
from pulse.place import HEADER
from pulse.settings import Settings
from pulse.topics import DAY_MS
from streams.decode import decode
from streams.memory import Memory
from streams.record import Taken
from streams.refinement import Refined, name_of, refine, steps_of
from streams.rollup import rollup
from streams.seen import digests
from streams.steps.step import Arrival, Step

PARTITIONS = 4
NOW = 1_800_000_000_000
PAGES = [f"/{part}/{n}" for part in ("product", "blog", "docs", "category") for n in range(100)]
CAMPAIGNS = [
    "",
    "",
    "",
    "?utm_source=google&utm_medium=cpc&utm_campaign=spring",
    "?utm_source=newsletter&utm_medium=email",
    "?gclid=abc",
]
REFERRERS = [
    None,
    "https://www.google.com/",
    "https://t.co/x",
    "https://www.shop.example/",
    "https://blog.example.org/a",
]
DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"
)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{0} Mobile/15E148 Safari/604.1"
AGENTS = [shape.format(n) for shape in (DESKTOP, PHONE) for n in range(100, 250)]


def visitor(chance: random.Random) -> dict[str, str]:
    """What stays the same over a visitor's events."""
    return {
        "visitor_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "ip": f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
        "user_agent": chance.choice(AGENTS),
        "language": chance.choice(["de-AT", "en-US", "fr"]),
        "screen": chance.choice(["1920x1080", "390x844"]),
    }


def event(chance: random.Random, person: dict[str, str]) -> bytes:
    """A line of the raw log."""
    path = chance.choice(PAGES)
    return json.encode(
        RawEvent(
            event=chance.choice(["page_view", "page_view", "page_view", "click", "add_to_cart"]),
            event_id=str(uuid.UUID(int=chance.getrandbits(128))),
            ts=NOW + chance.randrange(60_000),
            sent_at=NOW + 60_000,
            received_at=NOW + 60_100,
            site_id="shop",
            url=f"https://www.shop.example{path}{chance.choice(CAMPAIGNS)}",
            referrer=chance.choice(REFERRERS),
            title=f"Page {path}",
            properties={"plan": "pro", "position": chance.randrange(100)},
            **person,  # type: ignore[arg-type]
        )
    )


def records(count: int, size: int, chance: random.Random) -> list[Taken]:
    """Raw records of so many events each; some ten events a visitor."""
    people = [visitor(chance) for _ in range(count * size // 10 + 1)]
    lines = [[event(chance, chance.choice(people)) for _ in range(size)] for _ in range(count)]
    return [Taken("raw", 0, n, NOW + 60_200 + n, b"\n".join([*some, b""])) for n, some in enumerate(lines)]


def timed(work: Callable[[], object], events: int, rounds: int = 7) -> float:
    """µs of CPU an event, in the best of some rounds: others on the machine only make it slower."""
    found = []
    for _ in range(rounds):
        began = process_time()
        work()
        found.append((process_time() - began) / events * 1e6)
    return min(found)


def refining(some: Sequence[Taken], steps: Sequence[Step]) -> Callable[[], list[Refined | None]]:
    """Refines the records into an empty memory each time; caches stay as they are."""

    def work() -> list[Refined | None]:
        memory = Memory(DAY_MS)
        return [refine(record, "log", memory, steps) for record in some]

    return work


def rolling_up(some: Sequence[Refined | None]) -> tuple[Callable[[], object], int]:
    """Rolls up what refinement made; and how many events that are."""
    made = [record for each in some if each is not None for record in each.events]
    taken = [Taken(r.topic, r.partition, 0, r.timestamp, r.value, ((HEADER, r.place.encode()),)) for r in made]
    return lambda: [rollup(record, PARTITIONS) for record in taken], sum(each.kept for each in some if each)


def each_step(some: Sequence[Taken], steps: Sequence[Step]) -> dict[str, float]:
    """µs an event of each step, run over all events one step after the other."""
    found = {"decode": timed(lambda: [list(decode(record.value)) for record in some], _lines(some))}
    events = [event for record in some for found in decode(record.value) for event in found.events]
    arrival = Arrival("log", 0, 1, NOW + 60_200)
    for step in steps:
        began = process_time()
        for each in events:
            step(each, arrival)
        found[name_of(step)] = (process_time() - began) / len(events) * 1e6
    found["digests"] = timed(lambda: digests(events), len(events))
    return found


def _lines(some: Sequence[Taken]) -> int:
    return sum(record.value.count(b"\n") for record in some)


def main() -> None:
    """Print the figures."""
    steps = steps_of(Settings(secret=SecretStr("a secret of the bench")))
    print("refine and rollup, µs of CPU an event, by events a record")
    for size in (1, 5, 25, 125, 500, 2000):
        some = records(20_000 // size, size, random.Random(1))
        work = refining(some, steps)
        roll, count = rolling_up(work())
        print(f"  {size:>5}: refine {timed(work, _lines(some)):6.2f}   rollup {timed(roll, count):5.2f}")
    print("each step, at 125 a record")
    for name, took in each_step(records(160, 125, random.Random(1)), steps).items():
        print(f"  {name:<20} {took:5.2f}")
    enrichment.main()


if __name__ == "__main__":
    main()
