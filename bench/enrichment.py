"""What it costs to look up and judge who sent an event: `python -m bench.enrichment`; `bench.streams` says it too.

µs of CPU an event of refinement with and without the step that does it, in a realistic mix: as events come, when one in fourteen is
of a client that was not met yet, and of clients that were met. What the verdict and the rest add to the line that is written counts.
"""

import gc
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

from pydantic import SecretStr

from bench import mix
from pulse.network.finder import Finder
from pulse.settings import Settings
from streams.record import Taken
from streams.refinement import name_of, prepare, steps_of
from streams.steps.client import put_client
from streams.steps.page import page_of
from streams.steps.step import Step
from streams.steps.user_agent import device_of
from streams.worker import collect_rarely

EVENTS, MET_BEFORE, A_RECORD = 16_000, 32_000, 500
ROUNDS = 3


class Cost(NamedTuple):
    """µs an event: of clients as they come, and of clients that were met."""

    coming: float
    met: float


def costs() -> dict[str, Cost]:
    """Of refinement as a whole, and of enrichment and scoring in it."""
    records = mix.mixed(MET_BEFORE + EVENTS, A_RECORD)
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
    first = MET_BEFORE // A_RECORD
    _spent(records[:first], steps)
    return Cost(_spent(records[first:], steps), min(_spent(records[first:], steps) for _ in range(ROUNDS)))


def _spent(records: Sequence[Taken], steps: Sequence[Step]) -> float:
    began = process_time()
    for record in records:
        prepare(record, "log", steps)
    return (process_time() - began) / EVENTS * 1e6


def main() -> None:
    """Print the figures."""
    print(
        f"µs of CPU an event of a realistic mix, {A_RECORD} a record: of clients as they come, and of clients met before"
    )
    for name, cost in costs().items():
        print(f"  {name:<24} {cost.coming:6.2f} {cost.met:6.2f}")


if __name__ == "__main__":
    main()
