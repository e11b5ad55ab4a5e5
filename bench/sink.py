"""µs an event of the sink, and rows/s into ClickHouse, by rows a block: `python -m bench.sink`.

Refined records of 125 events, as refinement writes them, into a ClickHouse of the bench's own. `ours` is the sink's own
way: NDJSON → Arrow → one batch; `straight` hands the lines to ClickHouse as they are (and so without places). Below it,
what ClickHouse says of each insert and of each question what is stored; at last, what one merge of ten blocks costs a row.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time, time
from uuid import uuid4

import httpx
import psutil
from pydantic import SecretStr

from bench.streams import records as raw_records
from clickhouse.client import Client, stream_of
from clickhouse.migrate import migrate
from clickhouse.sink.events import EVENTS
from clickhouse.sink.kind import wrong
from clickhouse.sink.lines import parse
from clickhouse.sink.metrics import METRICS
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from deploy.local import clickhouse_server, port
from deploy.local.process import Running
from pulse.place import HEADER
from pulse.settings import Settings
from pulse.topics import DAY_MS
from streams.memory import Memory
from streams.record import Made, Taken
from streams.refinement import refine, steps_of
from streams.rollup import rollup

BLOCKS = (10_000, 50_000, 200_000)
A_RECORD = 125
ROUNDS = 5
PARTITIONS = 4
SPENT = Path(__file__).parent / "queries" / "spent.sql"
MERGED = 10


def refined(rows: int) -> tuple[list[Record], list[Record]]:
    """Records of `pulse.events` of so many events, and their partials."""
    steps, memory = steps_of(Settings(secret=SecretStr("a secret of the bench"))), Memory(DAY_MS)
    events: list[Made] = []
    for raw in raw_records(rows // A_RECORD, A_RECORD, random.Random(1)):
        made = refine(raw, "log", memory, steps)
        events += made.events if made else []
    taken = [Taken(m.topic, m.partition, 0, m.timestamp, m.value, ((HEADER, m.place.encode()),)) for m in events]
    return _records(events), _records([partial for each in taken for partial in rollup(each, PARTITIONS)])


def _records(made: Sequence[Made]) -> list[Record]:
    return [Record(m.topic, m.partition, n, m.place, m.value, ledger=m.ledger) for n, m in enumerate(made)]


def conversions(events: Sequence[Record], partials: Sequence[Record]) -> dict[str, Callable[[], object]]:
    """What the sink does before it inserts."""
    parsed, sums = parse(events, EVENTS.schema), parse(partials, METRICS.schema)
    table = EVENTS.columns(parsed.rows, parsed.origin, events)
    return {
        "parse": lambda: parse(events, EVENTS.schema),
        "check": lambda: wrong(parsed.rows, EVENTS.checks),
        "columns": lambda: EVENTS.columns(parsed.rows, parsed.origin, events),
        "stream": lambda: stream_of(table),
        "partials": lambda: METRICS.columns(sums.rows, sums.origin, partials) if parse(partials, METRICS.schema) else 0,
    }


def best(work: Callable[[], object], rows: int) -> float:
    """µs of CPU an event, in the best of some rounds."""
    found = []
    for _ in range(ROUNDS):
        began = process_time()
        work()
        found.append((process_time() - began) / rows * 1e6)
    return min(found)


def inserted(client: Client, server: Running, rows: int, insert: Callable[[], object]) -> tuple[float, float, float]:
    """Rows/s, µs of ClickHouse's and of our CPU a row: the best of some rounds, each into empty tables."""
    process, found = psutil.Process(server.pid), []
    for _ in range(ROUNDS):
        for table in ("events", "metrics_minute", "ledger_minute"):
            client.command(f"TRUNCATE TABLE {table}")
        theirs, ours, began = sum(process.cpu_times()[:2]), process_time(), perf_counter()
        insert()
        took = perf_counter() - began
        spent = sum(process.cpu_times()[:2]) - theirs
        found.append((rows / took, spent / rows * 1e6, (process_time() - ours) / rows * 1e6))
        assert client.command("SELECT count() FROM events") == rows
    return max(found)


def spent(client: Client, since: float) -> Iterator[str]:
    """A line for the inserts into each table and the questions about it, since a moment in s since the epoch."""
    client.command("SYSTEM FLUSH LOGS query_log")
    for kind, table, times, us in client.query(SPENT, {"database": client.database, "since": int(since * 1e6)}).rows:
        yield f"{kind.lower()} {table.rpartition('.')[2]}: {us / 1000:.1f} ms of CPU, {times} times"


def merged(client: Client, server: Running, rows: int) -> float:
    """µs of ClickHouse's CPU a row of one merge of some blocks of so many rows each."""
    events, _ = refined(rows * MERGED)
    process, writer, size = psutil.Process(server.pid), Writer(client), len(events) // MERGED
    client.command("TRUNCATE TABLE events")
    client.command(f"SYSTEM STOP MERGES {client.database}.events")
    for first in range(0, len(events), size):
        writer.begin()
        writer.store(events[first : first + size])
    began = sum(process.cpu_times()[:2])
    client.command(f"SYSTEM START MERGES {client.database}.events")
    client.command("OPTIMIZE TABLE events FINAL")
    return (sum(process.cpu_times()[:2]) - began) / rows / MERGED * 1e6


@contextmanager
def store() -> Iterator[tuple[Client, Running, str]]:
    """A ClickHouse with Pulse's tables."""
    with tempfile.TemporaryDirectory() as folder:
        at = port.free()
        server = clickhouse_server.start(Path(folder), at, port.free())
        try:
            client = Client(f"http://127.0.0.1:{at}/pulse")
            migrate(client)
            yield client, server, f"http://127.0.0.1:{at}/"
        finally:
            server.stop()


def main() -> None:
    """Print the figures."""
    with store() as (client, server, url):
        for rows in BLOCKS:
            events, partials = refined(rows)
            text = b"".join(record.value for record in events)
            print(f"{rows:,} rows a block, {len(text) / rows:.0f} bytes an event")
            for name, work in conversions(events, partials).items():
                print(f"  {name:<10} {best(work, rows):6.2f} µs/event")

            def ours(events: list[Record] = events, partials: list[Record] = partials) -> None:
                writer = Writer(client)
                writer.begin()
                writer.store([*events, *partials])

            def straight(text: bytes = text) -> None:
                query = "INSERT INTO pulse.events SETTINGS input_format_skip_unknown_fields = 1 FORMAT JSONEachRow"
                asked = {"query": query, "date_time_input_format": "best_effort", "query_id": uuid4().hex}
                httpx.post(url, params=asked, content=text, timeout=120).raise_for_status()

            for name, insert in (("ours", ours), ("straight", straight)):
                began = time()
                speed, theirs, own = inserted(client, server, rows, insert)
                print(f"  {name:<10} {speed:10,.0f} rows/s   ClickHouse {theirs:5.2f}   sink {own:5.2f} µs/row")
                if name == "ours":
                    print(*(f"    {line}" for line in spent(client, began)), sep="\n")
        print(f"a merge of {MERGED} blocks of {BLOCKS[0]:,} rows: {merged(client, server, BLOCKS[0]):.2f} µs/row")


if __name__ == "__main__":
    main()
