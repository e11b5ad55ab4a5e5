"""What it costs to know an event again: bytes an id and µs an event, `python -m bench.dedup [MILLIONS [MB]]`.

A memory is filled with so many million ids spread over the window (20 unless told otherwise), its filters in so many
MB, and then asked as refinement asks: a batch of 64 records at a time, all ids new.
"""

import sys
from collections.abc import Iterable
from time import process_time

import numpy as np
import psutil

from pulse.topics import DAY_MS
from streams.memory import LAYER, Bounds, Memory
from streams.recent import DIGEST_BYTES, array_of

NOW = 1_800_000_000_000
BATCH = 64
BATCHES = 24
RECENT = 8_000_000
TARGET = 864_000_000


def digests(number: int, chance: np.random.Generator) -> list[bytes]:
    """So many digests that are all different."""
    whole = chance.bytes(number * DIGEST_BYTES)
    return [whole[at : at + DIGEST_BYTES] for at in range(0, len(whole), DIGEST_BYTES)]


def filled(ids: int, most_bytes: int, chance: np.random.Generator) -> tuple[Memory, float]:
    """A memory of so many ids seen within the window, all but the latest stored; and µs to remember one."""
    memory = Memory(DAY_MS, Bounds(min(RECENT, ids // 4), most_bytes))
    memory.stored = ids
    spent = 0.0
    for offset, begin in enumerate(range(0, ids, LAYER)):
        some, at = digests(LAYER, chance), NOW + begin * DAY_MS // ids
        began = process_time()
        memory.turn(at)
        memory.written(offset, 0, some, at)
        memory.delivered(offset, offset)
        spent += process_time() - began
    return memory, spent / ids * 1e6


def asked(memory: Memory, batches: Iterable[list[list[bytes]]], offset: int) -> tuple[float, float]:
    """µs an event to tell what is new and to remember it; and the share of events that the store is asked about."""
    events = doubtful = 0
    began = process_time()
    for records in batches:
        looked = memory.look(array_of(one for record in records for one in record))
        doubtful += int(looked.doubtful.sum())
        for record in records:
            offset += 1
            memory.unseen(offset, record)
            memory.written(offset, 0, record, NOW + DAY_MS)
        memory.delivered(offset, offset)
        events += sum(map(len, records))
    return (process_time() - began) / events * 1e6, doubtful / events


def main() -> None:
    """Print the figures."""
    ids = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 20_000_000
    most_bytes = int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 1_600_000_000
    chance, before = np.random.default_rng(1), psutil.Process().memory_info().rss
    memory, added = filled(ids, most_bytes, chance)
    grown = psutil.Process().memory_info().rss - before
    each = memory.older.nbytes / len(memory.older)
    print(f"{len(memory.older):,} ids in filters of {memory.older.nbytes / 1e6:,.0f} MB: {each:.2f} bytes an id")
    print(f"{memory.exact:,} of them exactly too; the process has grown by {grown / 1e6:,.0f} MB in all")
    print(f"{added:.2f} µs to remember an id, layers and filters included")
    for size in (5, 125, 500):
        batches = [[digests(size, chance) for _ in range(BATCH)] for _ in range(BATCHES)]
        took, share = asked(memory, batches, ids)
        print(f"records of {size:>3}: {took:.2f} µs an event, {share:.3%} of new events asked of the store")
    print(
        f"{TARGET / 1e6:,.0f} million ids a day: {TARGET * each / 1e6:,.0f} MB in filters as full as these, but never more"
        f" than PULSE_DEDUP_MB; and {RECENT * DIGEST_BYTES / 1e6:,.0f} MB for {RECENT:,} exact ones"
    )


if __name__ == "__main__":
    main()
