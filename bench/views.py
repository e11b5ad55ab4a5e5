"""What each view, projection and index of `events` costs ClickHouse, and what its settings save: `python -m bench views [FILE.sql …]`.

Blocks of 50,000 refined events of a realistic mix are inserted into databases of which each lacks something, and then merged: the
same block into one after the other, in another order each time, so that a machine whose speed wanders does so for all. µs of
ClickHouse's CPU an event, of inserts and of one merge of ten blocks into one; beside them what there is less of it than in a
database that lacks nothing, each block and each merge compared with those beside it. The statements of a file are applied to one
more database: what a change would bring.
"""

import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

import psutil
import pyarrow as pa
from pydantic import SecretStr

from bench import mix
from bench.sink import store
from clickhouse import lean
from clickhouse.client import Client
from clickhouse.migrate import migrate, read
from clickhouse.people import NAME as PEOPLE
from clickhouse.sink.events import EVENTS
from clickhouse.sink.lines import parse
from clickhouse.sink.record import Record
from pulse.network.finder import Finder
from pulse.settings import Settings
from pulse.topics import DAY_MS
from streams.memory import Memory
from streams.refinement import refine, steps_of

ROWS, BLOCKS, ROUNDS = 50_000, 10, 3
A_RECORD = 500
TABLES = ("events", "activity", "fingerprints", "identity_links")
WHOLE = "nothing"
LACKING: Mapping[str, Sequence[str]] = {
    WHOLE: (),
    **{f"view {name}": (f"DROP TABLE {name}_of_events SYNC",) for name in TABLES[1:]},
    **{f"projection {name}": (f"ALTER TABLE events DROP PROJECTION {name}",) for name in ("stored", "pages")},
    "lean settings": (f"ALTER TABLE events RESET SETTING {', '.join(lean.SETTINGS)}",),
    **{f"index {name}": (f"ALTER TABLE events DROP INDEX {name}",) for name in ("place", "received", "fingerprint")},
}


def blocks() -> Iterator[pa.Table]:
    """What the sink inserts, block by block."""
    with tempfile.TemporaryDirectory() as folder:
        finder = Finder(mix.world(Path(folder)))
        steps, memory = steps_of(Settings(secret=SecretStr("a secret of the bench")), finder), Memory(DAY_MS)
        records: list[Record] = []
        for raw in mix.mixed(ROWS * BLOCKS, A_RECORD):
            made = refine(raw, "log", memory, steps)
            records += [
                Record(m.topic, m.partition, raw.offset, m.place, m.value) for m in (made.events if made else ())
            ]
    size = len(records) // BLOCKS
    for first in range(0, size * BLOCKS, size):
        parsed = parse(records[first : first + size], EVENTS.schema)
        yield EVENTS.columns(parsed.rows, parsed.origin, records[first : first + size])


def database(client: Client, number: int, statements: Sequence[str]) -> Client:
    """One with Pulse's tables, but for what the statements change; nothing is merged in it."""
    made = client.within(f"views_{number}")
    migrate(made)
    made.command(f"DROP DICTIONARY {PEOPLE}")
    for statement in statements:
        made.command(statement)
    made.command(f"SYSTEM STOP MERGES {made.database}.events")
    return made


def ways(files: Sequence[str]) -> dict[str, Sequence[str]]:
    """What the databases are made with: what they lack, and what files change in them."""
    return {**LACKING, **{Path(file).stem: read(Path(file)).statements for file in files}}


class Spending:
    """µs of the server's CPU an event: of inserts and of merges, by what a database lacks."""

    def __init__(self, pid: int) -> None:
        self.inserts: dict[str, list[float]] = defaultdict(list)
        self.merges: dict[str, list[float]] = defaultdict(list)
        self._process = psutil.Process(pid)

    def insert(self, name: str, client: Client, block: pa.Table) -> None:
        """Insert a block as the sink does."""
        before = self._now()
        client.insert("events", block)
        self.inserts[name].append((self._now() - before) / len(block))

    def merge(self, name: str, client: Client) -> None:
        """Merge what has been inserted, and empty the tables."""
        for table in TABLES:
            client.command(f"SYSTEM START MERGES {client.database}.{table}")
        before = self._now()
        for table in TABLES:
            client.command(f"OPTIMIZE TABLE {table} FINAL")
        self.merges[name].append((self._now() - before) / ROWS / BLOCKS)
        for table in TABLES:
            client.command(f"SYSTEM STOP MERGES {client.database}.{table}")
            client.command(f"TRUNCATE TABLE {table} SYNC")

    def _now(self) -> float:
        user, system = self._process.cpu_times()[:2]
        return float(user + system) * 1e6


def less(own: Sequence[float], whole: Sequence[float], others: Sequence[Sequence[float]]) -> float:
    """How much less one spends than a database that lacks nothing, by the median of what each spent beside all others."""
    beside = [mean(each) for each in zip(*others, strict=True)]
    return 1 - _share(own, beside) / _share(whole, beside)


def _share(own: Sequence[float], beside: Sequence[float]) -> float:
    return median([a / b for a, b in zip(own, beside, strict=True)])


def said(spending: Spending) -> Iterator[str]:
    """A line for each database."""
    yield f"{'without':<28} {'insert':>15} {'merge':>15}"
    for name in spending.inserts:
        parts = []
        for kind in (spending.inserts, spending.merges):
            share = less(kind[name], kind[WHOLE], [*kind.values()])
            parts.append(f"{mean(kind[name]):7.2f} {-share:+7.1%}")
        yield f"{name:<28} {' '.join(parts)}"


def main(words: Sequence[str]) -> None:
    """Print the figures."""
    dice, made = random.Random(1), list(blocks())
    with store() as (client, server, _):
        clients = {name: database(client, n, each) for n, (name, each) in enumerate(ways(words).items())}
        spending, order = Spending(server.pid), list(clients.items())
        for _ in range(ROUNDS):
            for block in made:
                dice.shuffle(order)
                for name, each in order:
                    spending.insert(name, each, block)
            for name, each in order:
                spending.merge(name, each)
        spending.inserts = {name: spending.inserts[name] for name in clients}
    print(f"{ROUNDS} rounds of {BLOCKS} blocks of {len(made[0]):,} events: µs of ClickHouse's CPU an event")
    print(*said(spending), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
