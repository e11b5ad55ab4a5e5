"""Storing records without Kafka: whatever dies at whichever step, what is stored in the end is the same."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from msgspec import json

from clickhouse.client import Client, stream_of
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse import topics
from pulse.errors import Unavailable
from pulse.ledger import Entry
from pulse.minute import Seen, fold, partials
from pulse.place import Place
from tests.eventually import eventually
from tests.exact import Store, assert_exact
from tests.migrated import migrate
from tests.storing import NOW_MS, Line, events, ledger_of, lines_of

MONTH_MS = 31 * 86_400_000


class Dying(Client):
    """A client whose process ends at its n-th insert, just before the store has it or just after."""

    def __init__(self, url: str, at: int, after: bool) -> None:
        super().__init__(url)
        self.left, self.after = at, after

    def insert(self, table: str, rows: pa.Table, *more: Any) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise KeyboardInterrupt
        super().insert(table, rows, *more)
        if self.left == 0:
            raise KeyboardInterrupt


class Swallowing(Client):
    """A client of a store that lost a block but not its token: the first insert is answered and not done."""

    left = 1

    def insert(self, table: str, rows: pa.Table, token: str = "", *more: Any) -> None:
        if self.left:
            self.left -= 1
            self.first = token
            return
        if token != self.first:
            super().insert(table, rows, token, *more)


class Slow(Client):
    """A client of a store that takes its time over a block that it only tries; `meanwhile` happens before the first."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def insert(self, table: str, rows: pa.Table, *more: Any) -> None:
        if "_tried_" in table:
            self.meanwhile()
            self.meanwhile = lambda: None
            time.sleep(0.3)
        super().insert(table, rows, *more)


class Frozen(list[Record]):
    """Records of a process that stands still as it turns to its n-th kind, while `meanwhile` happens."""

    def __init__(self, records: Sequence[Record], at: int, meanwhile: Callable[[], None]) -> None:
        super().__init__(records)
        self.left, self.meanwhile = at, meanwhile

    def __iter__(self) -> Iterator[Record]:
        self.left -= 1
        if self.left == 0:
            self.meanwhile()
        return super().__iter__()


@pytest.fixture
def client(clickhouse: str) -> Client:
    client = Client(clickhouse)
    migrate(client)
    return client


def _records(parts: Sequence[Sequence[Line]], log: str = "log", first: int = 0) -> list[Record]:
    made = []
    for offset, lines in enumerate(parts, first):
        place = Place(log, offset % 2, offset // 2)
        made.append(Record(topics.EVENTS, offset % 2, offset, place, lines_of(lines), ledger=ledger_of(lines)))
        sums = partials(fold(json.decode(json.encode(line), type=Seen) for line in lines))
        made.append(Record(topics.METRICS, 1, offset, place, json.Encoder().encode_lines(sums)))
    return made


def _mixed(seed: int, number: int) -> list[Line]:
    return [*events(seed, number), *events(seed + 100, number, NOW_MS - MONTH_MS)]


@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_insert_changes_nothing(clickhouse: str, client: Client, after: bool) -> None:
    client.command("ALTER TABLE events ADD CONSTRAINT no_poison CHECK event != 'poison'")
    good = [_mixed(seed, 1) for seed in range(3)]
    ids = [line["event_id"] for part in good for line in part]
    bad = [line | {"event": "poison"} for line in _mixed(50, 1)]
    records = _records(good)
    again = Entry(site_id="one", minute=0, received=3, duplicates=2, rejected=1)
    unreadable = Entry(minute=0, received=1, kept=1)
    records[2] = records[2]._replace(
        value=records[2].value + lines_of(bad) + b"{\n",
        ledger=ledger_of([*good[1], *bad]) + json.encode(again) + b"\n" + json.encode(unreadable) + b"\n",
    )
    refused = json.encode({"site_id": "one", "reason": "invalid", "line": "{}"}) + b"\n"
    records.append(Record(topics.REJECTED, 1, 0, Place("log", 1, 0), refused))
    at, dies = 0, True
    while dies:
        at += 1
        dies = _dies(Dying(clickhouse, at, after), records)
        writer = Writer(client)
        writer.begin()
        writer.store(records)
        assert all(writer.has(record) for record in records)
        assert_exact(Store(clickhouse), ids)
        kept = Store(clickhouse).rows("SELECT _stage, count() FROM events_rejected GROUP BY 1 ORDER BY 1")
        assert kept == [["events", "1"], ["events-202608", "1"], ["events-202609", "1"], ["refine", "1"]]
        books = "SELECT sum(received), sum(kept), sum(duplicates), sum(rejected), sum(unstorable) FROM ledger_minute"
        assert Store(clickhouse).rows(books) == [["12", "9", "2", "1", "3"]]
        for table in ("events", "events_rejected", "metrics_minute", "ledger_minute"):
            client.command(f"TRUNCATE TABLE {table}")
    assert at > 10


def _dies(client: Dying, records: Sequence[Record]) -> bool:
    writer = Writer(client)
    writer.begin()
    with suppress(KeyboardInterrupt):
        writer.store(records)
    return client.left <= 0


def test_refused_rows_that_are_long_looked_for_keep_nothing_from_being_stored(clickhouse: str, client: Client) -> None:
    client.command("ALTER TABLE events ADD CONSTRAINT no_poison CHECK event != 'poison'")
    good, bad = events(1, 20), [line | {"event": "poison"} for line in events(2, 1)]
    writer = Writer(Slow(clickhouse), most_s=1.0)
    writer.begin()
    writer.store(_records([[*good, *bad]]))
    assert sorted(Store(clickhouse).ids()) == sorted(line["event_id"] for line in good)


def test_who_went_on_while_refused_rows_were_looked_for_is_not_written_over(clickhouse: str, client: Client) -> None:
    client.command("ALTER TABLE events ADD CONSTRAINT no_poison CHECK event != 'poison'")
    good, bad = events(1, 20), [line | {"event": "poison"} for line in events(2, 1)]
    records = _records([[*good, *bad]])

    def go_on() -> None:
        other = Writer(Client(clickhouse))
        other.begin()
        other.store(records)

    slow = Slow(clickhouse)
    slow.meanwhile = go_on
    writer = Writer(slow)
    writer.begin()
    with pytest.raises(Unavailable, match="another sink has gone on"):
        writer.store(records)
    assert sorted(Store(clickhouse).ids()) == sorted(line["event_id"] for line in good)


def test_a_block_is_one_part_and_its_repetition_none(client: Client) -> None:
    records = _records([events(seed, 2_000) for seed in range(10)])
    for _ in range(2):
        writer = Writer(client)
        writer.begin()
        writer.store(records)
    parts = (
        "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND level = 0"
    )
    assert client.command(parts, {"table": "events"}) == 1
    assert client.command("SELECT count() FROM events") == 20_000


def test_a_swallowed_block_is_noticed(clickhouse: str, client: Client) -> None:
    records = _records([events(1, 100)])
    writer = Writer(Swallowing(clickhouse))
    writer.begin()
    with pytest.raises(Unavailable, match="repetition"):
        writer.store(records)
    writer.begin()
    writer.store(records)
    assert client.command("SELECT count() FROM events") == 100


def test_places_of_one_log_say_nothing_of_another(clickhouse: str, client: Client) -> None:
    first, second = [events(1, 50)], [events(2, 50)]
    for log, parts in (("old", first), ("new", second)):
        writer = Writer(client)
        writer.begin()
        writer.store(_records(parts, log))
    assert_exact(Store(clickhouse), [line["event_id"] for part in (*first, *second) for line in part])


def test_an_event_repeated_in_another_partition_takes_no_place_away(clickhouse: str, client: Client) -> None:
    lines = events(1, 3)
    twice = [Record(topics.EVENTS, p, 0, Place("log", p, 0), lines_of(lines)) for p in (0, 1)]
    writer = Writer(client)
    writer.begin()
    writer.store(twice)
    stored = dict(writer.stored)
    client.command("OPTIMIZE TABLE events FINAL")
    writer.begin()
    assert writer.stored == stored
    assert all(writer.has(record) for record in twice)


def test_a_later_repetition_collapses_and_leaves_the_last_place(client: Client) -> None:
    lines = events(1, 3)
    records = [Record(topics.EVENTS, 0, n, Place("log", 0, n), lines_of(lines)) for n in (0, 1)]
    for record in records:
        writer = Writer(client)
        writer.begin()
        writer.store([record])
    client.command("OPTIMIZE TABLE events FINAL")
    assert client.command("SELECT count() FROM events") == 3
    writer.begin()
    assert writer.has(records[1])


def test_an_insert_that_still_runs_is_waited_for(client: Client) -> None:
    slow = Thread(
        target=client.command,
        args=("INSERT INTO config (kind) SELECT toString(number + sleepEachRow(0.1)) FROM numbers(15)",),
        kwargs={"query_id": f"pulse-sink-{client.database}-1", "max_block_size": 1},
    )
    slow.start()
    eventually(lambda: client.query("stored/running", {"prefix": f"pulse-sink-{client.database}"}).rows)
    Writer(client).begin()
    assert client.command("SELECT count() FROM config") == 15
    slow.join()


def test_what_is_stored_is_told_without_reading_the_rows(client: Client) -> None:
    writer = Writer(client)
    writer.begin()
    for first in range(0, 40, 10):
        writer.store(_records([events(first + n, 2_000) for n in range(10)], first=first))
    assert client.query("stored/events").rows_read <= 8
    for table, most in (("events", 2), ("metrics_minute", 8_192), ("ledger_minute", 8_192)):
        client.command(f"OPTIMIZE TABLE {table} FINAL")
        assert 0 < client.query(f"stored/{table}").rows_read <= most
    assert {key[2]: place for key, place in writer.stored.items() if key[0] == "events"} == {
        "log:0": 19 << 10,
        "log:1": 19 << 10,
    }


def test_money_is_the_same_in_both_tables(clickhouse: str, client: Client) -> None:
    amounts = [0.00005, 1.00005, 2.5, -0.00015, 1e12, -1e12, 1e12, 123456.78905, 0.1, 0.2, 1e-9, 999999999999.9999]
    lines = [line | {"revenue": amount, "currency": "EUR"} for line, amount in zip(events(1, 12), amounts, strict=True)]
    writer = Writer(client)
    writer.begin()
    writer.store(_records([lines * 1_000]))
    assert Store(clickhouse).differing_minutes() == 0
    [[whole]] = Store(clickhouse).rows("SELECT toString(sum(revenue)) FROM metrics_minute")
    assert Decimal(whole) == Decimal(sum(round(amount * 10_000) for amount in amounts) * 1_000) / 10_000


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_sink_that_was_frozen_stores_nothing_in_place_of_the_one_that_went_on(client: Client, kind: int) -> None:
    lines = events(11, 200)
    records = _records([lines])
    frozen, other = Writer(client, most_s=0.2), Writer(client)
    frozen.begin()

    def meanwhile() -> None:
        other.begin()
        other.store(records)
        time.sleep(0.3)

    with pytest.raises(Unavailable, match="another sink may have gone on"):
        frozen.store(Frozen(records, kind, meanwhile))
    frozen.begin()
    frozen.store(records)
    assert_exact(Store(client._url), [line["event_id"] for line in lines])


def test_a_sink_that_was_frozen_over_a_block_it_was_about_to_send_does_not_send_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = events(11, 200)
    records = _records([lines])
    frozen, other = Writer(client, most_s=0.2), Writer(client)
    frozen.begin()

    def freezing(rows: pa.Table) -> bytes:
        block = stream_of(rows)
        monkeypatch.undo()
        other.begin()
        other.store(records)
        time.sleep(0.3)
        return block

    monkeypatch.setattr("clickhouse.client.stream_of", freezing)
    with pytest.raises(Unavailable, match="another sink may have gone on"):
        frozen.store(records)
    assert_exact(Store(client._url), [line["event_id"] for line in lines])


def test_what_names_no_ledger_was_received_as_it_is(clickhouse: str, client: Client) -> None:
    lines = events(1, 100)
    broken = Record(topics.EVENTS, 0, 0, Place("log", 0, 0), lines_of(lines) + b"{\n", ledger=None)
    foreign = Record(
        topics.EVENTS, 0, 1, Place("pulse.events@id", 0, 1), b"{}\n", fault="the record has no place header"
    )
    for _ in range(2):
        writer = Writer(client)
        writer.begin()
        writer.store([broken, foreign])
    books = "SELECT sum(received), sum(kept), sum(unstorable) FROM ledger_minute"
    assert Store(clickhouse).rows(books) == [["102", "102", "2"]]
    assert (Store(clickhouse).events(), Store(clickhouse).unbalanced()) == (100, 0)


def test_a_record_that_kept_nothing_tells_of_an_emptied_store(clickhouse: str, client: Client) -> None:
    header = json.encode(Entry(site_id="one", minute=NOW_MS // 60_000 * 60_000, received=2, duplicates=2))
    record = Record(topics.EVENTS, 0, 0, Place("log", 0, 0), b"", ledger=header)
    writer = Writer(client)
    for begins in (True, False):
        writer.begin()
        assert writer.has(record) is not begins
        writer.store([record])
        assert writer.has(record)
    assert Store(clickhouse).rows("SELECT sum(received), sum(duplicates) FROM ledger_minute") == [["2", "2"]]
    client.command("TRUNCATE TABLE ledger_minute")
    writer.begin()
    assert not writer.has(record)


def test_a_store_that_keeps_no_ledger_yet_begins_with_what_comes(client: Client) -> None:
    old, new = _records([events(1, 10)], first=0), _records([events(2, 10)], first=2)
    writer = Writer(client)
    writer.begin()
    writer.store(old)
    client.command("TRUNCATE TABLE ledger_minute")
    writer.begin()
    assert writer.has(old[0])
    writer.store(new)
    assert (writer.has(new[0]), client.command("SELECT sum(received) FROM ledger_minute")) == (True, 10)
