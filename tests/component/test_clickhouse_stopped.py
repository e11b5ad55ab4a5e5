"""A sink that is stopped in the midst of storing, and another one that goes on in its place: nothing is stored twice."""

import signal
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from msgspec import json

from clickhouse.client import Client
from clickhouse.sink import stored
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse import topics
from pulse.errors import Unavailable
from pulse.minute import Seen, fold, partials
from pulse.place import Place
from tests.eventually import eventually
from tests.exact import Store, assert_exact
from tests.migrated import migrate
from tests.product import ROOT
from tests.storing import NOW_MS, events, ledger_of, lines_of

STOPPED = """
import sys, time
from clickhouse.client import Client
from clickhouse.sink.awake import Awake
from clickhouse.sink.write import Writer
from tests.component.test_clickhouse_stopped import records

class Telling(Client):
    def insert(self, table, rows, *more):
        super().insert(table, rows, *more)
        if table == sys.argv[2]:
            print(table, flush=True)
            time.sleep(0.3)

awake = Awake(1.0)
awake.begin()
writer = Writer(Telling(sys.argv[1]), most_s=1.0, stood_still=awake.stood_still)
writer.begin()
print("begun", flush=True)
for number in range(2):
    writer.store(records(number))
"""


@pytest.fixture
def client(clickhouse: str) -> Client:
    client = Client(clickhouse)
    migrate(client)
    return client


def records(number: int) -> list[Record]:
    """A record of events and what the rollup makes of it."""
    lines, place = list(events(11 + number, 200)), Place("log", 0, number)
    sums = partials(fold(json.decode(json.encode(line), type=Seen) for line in lines))
    return [
        Record(topics.EVENTS, 0, number, place, lines_of(lines), ledger=ledger_of(lines)),
        Record(topics.METRICS, 1, number, place, json.Encoder().encode_lines(sums)),
    ]


@pytest.mark.parametrize("many", [1, 5_000])
def test_what_holds_an_insert_back_is_asked_while_the_store_has_it_among_its_running(
    clickhouse: str, client: Client, many: int
) -> None:
    """However small it is: a sink that is frozen there is seen by the one that takes its place."""
    made = pa.table({"event": ["e"] * many, "ts": pa.array([NOW_MS] * many, pa.timestamp("ms", "UTC"))})
    prefix, other, seen = stored.queries_of(client), Client(clickhouse), list[bool]()

    def look() -> None:
        eventually(lambda: other.query("stored/running", {"prefix": prefix}).rows)
        seen.append(True)

    client.insert("events", made, "token", f"{prefix}one", look)
    assert (len(seen), client.ask("SELECT count() FROM events").rows[0][0]) == (1, many)


def test_what_is_held_back_is_not_stored(clickhouse: str, client: Client) -> None:
    def no() -> None:
        raise Unavailable("another sink has gone on")

    made = pa.table({"event": ["e"], "ts": pa.array([NOW_MS], pa.timestamp("ms", "UTC"))})
    with pytest.raises(Unavailable, match="another sink"):
        client.insert("events", made, "token", f"{stored.queries_of(client)}one", no)
    stored.await_running(Client(clickhouse), stored.queries_of(client))
    assert client.ask("SELECT count() FROM events").rows[0][0] == 0
    client.insert("events", made, "token", f"{stored.queries_of(client)}two", lambda: None)
    assert client.ask("SELECT count() FROM events").rows[0][0] == 1


@pytest.mark.parametrize("table", ["events", "ledger_minute"])
def test_a_sink_that_was_stopped_while_the_store_had_its_insert_stores_nothing_more(
    clickhouse: str, client: Client, table: str
) -> None:
    """After an insert it hears of that table alone: another sink may have stored in all others."""
    words = [sys.executable, "-c", STOPPED, clickhouse, table]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as stopped:
        assert stopped.stdout is not None
        assert stopped.stderr is not None
        assert [stopped.stdout.readline() for _ in range(2)] == ["begun\n", f"{table}\n"]
        stopped.send_signal(signal.SIGSTOP)
        other = Writer(client)
        other.begin()
        for number in range(2):
            other.store(records(number))
        time.sleep(1.2)
        stopped.send_signal(signal.SIGCONT)
        assert "another sink may have gone on" in stopped.stderr.read()
    assert_exact(Store(clickhouse), [line["event_id"] for number in range(2) for line in events(11 + number, 200)])
