"""What it costs to look up and judge who sent an event: `python -m bench.enrichment`; `bench.streams` says it too.

µs of CPU an event of refinement with and without the step that does it, in a realistic mix: as events come, when one in fourteen is
of a client that was not met yet, and of clients that were met. What the verdict and the rest add to the line that is written counts.
`--mix lifelike` takes the events of `bench.lifelike` in the place of those of `bench.mix`. What settling costs stands apart.
"""

import argparse
import gc
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

from pydantic import SecretStr

from bench import lifelike, mix
from pulse.network.finder import Finder
from pulse.settings import Settings
from pulse.topics import DAY_MS
from streams.memory import Memory
from streams.record import Taken
from streams.refinement import name_of, prepare, settle, steps_of
from streams.steps.client import put_client
from streams.steps.page import page_of
from streams.steps.step import Step
from streams.steps.user_agent import device_of
from streams.worker import collect_rarely

EVENTS, MET_BEFORE, A_RECORD = 16_000, 32_000, 500
ROUNDS = 3
MIXES = {"mix": mix.mixed, "lifelike": lifelike.mixed}


class Cost(NamedTuple):
    """µs an event: of clients as they come, of clients that were met, and to settle what was prepared of the first."""

    coming: float
    met: float
    settling: float


def costs(name: str = "mix") -> dict[str, Cost]:
    """Of refinement as a whole, and of enrichment and scoring in it."""
    records = MIXES[name](MET_BEFORE + EVENTS, A_RECORD)
    with tempfile.TemporaryDirectory() as folder:
        mix.world(Path(folder))
        gc.collect()
        collect_rarely()
        rounds = [_round(Path(folder), records) for _ in range(ROUNDS)]
    whole, without = (Cost(*map(min, zip(*each, strict=True))) for each in zip(*rounds, strict=True))
    return {"refinement": whole, "enrichment and scoring": Cost(*(a - b for a, b in zip(whole, without, strict=True)))}


def _round(folder: Path, records: Sequence[Taken]) -> tuple[Cost, Cost]:
    steps = steps_of(Settings(secret=SecretStr("a secret of the bench")), Finder(folder))
    others = [step for step in steps if name_of(step) != name_of(put_client)]
    return _cost(records, steps), _cost(records, others)


def _cost(records: Sequence[Taken], steps: Sequence[Step]) -> Cost:
    device_of.cache_clear()
    page_of.forget()
    first, memory = MET_BEFORE // A_RECORD, Memory(DAY_MS)
    _spent(records[:first], steps, memory)
    coming, settling = _spent(records[first:], steps, memory)
    met = min(_spent(records[first:], steps, Memory(DAY_MS))[0] for _ in range(ROUNDS))
    return Cost(coming, met, settling)


def _spent(records: Sequence[Taken], steps: Sequence[Step], memory: Memory) -> tuple[float, float]:
    """µs an event to prepare, and to settle."""
    began = process_time()
    prepared = [prepare(record, "log", steps) for record in records]
    between = process_time()
    for each in prepared:
        settle(each, "log", memory, set())
    return (between - began) / EVENTS * 1e6, (process_time() - between) / EVENTS * 1e6


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--mix", choices=MIXES, default="mix")
    name = asked.parse_known_args()[0].mix
    print(
        f"µs of CPU an event of a realistic mix, {A_RECORD} a record: of clients as they come, of clients met before, and to settle"
    )
    for part, cost in costs(name).items():
        print(f"  {part:<24} {cost.coming:6.2f} {cost.met:6.2f} {cost.settling:6.2f}")


if __name__ == "__main__":
    main()
