"""The sink against a real Kafka and a real ClickHouse, both of which are killed, emptied and replaced under it."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition
from msgspec import json

from clickhouse.client import Client
from clickhouse.sink.reader import GROUP, TOPICS
from pulse import topics
from pulse.place import Place
from tests import services
from tests.eventually import eventually
from tests.exact import assert_exact
from tests.migrated import migrate
from tests.services import Service
from tests.storing import NOW_MS, PARTITIONS, Log, Sink, commit, delete_topics, events, lines_of

pytestmark = [pytest.mark.native, pytest.mark.clickhouse]

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = services.kafka(tmp_path_factory.mktemp("kafka"))
    service.start()
    yield service
    service.kill()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = services.clickhouse(tmp_path_factory.mktemp("clickhouse"))
    service.start()
    yield service
    service.kill()


@pytest.fixture
def sink(broker: Service, warehouse: Service, tmp_path: Path) -> Iterator[Sink]:
    """A sink over topics and a database of the test's own; not started."""
    delete_topics(broker.url)
    sink = Sink(tmp_path, broker.url, f"{warehouse.url}/test_{uuid4().hex[:8]}")
    sink.prepare()
    yield sink
    if sink.running:
        sink.kill()


@pytest.fixture
def log(sink: Sink) -> Log:
    return Log(sink.kafka)


def _all_stored(sink: Sink, ids: list[str]) -> None:
    eventually(lambda: sink.store.distinct() == len(set(ids)), within=60)
    eventually(lambda: sink.store.differing_minutes() == 0, within=30)
    eventually(lambda: sink.store.unbalanced() == 0, within=30)
    assert_exact(sink.store, ids)


def _readiness(sink: Sink) -> dict[str, str]:
    checks: dict[str, str] = httpx.get(f"http://127.0.0.1:{sink.port}/health/ready").json()["checks"]
    return checks


def _meter(sink: Sink, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{sink.port}/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_everything_is_stored_as_it_was_sent(sink: Sink, log: Log) -> None:
    sink.start()
    lines = events(1, 2_000)
    _all_stored(sink, log.write(lines))
    chosen = next(line for line in lines if line["event"] == "purchase" and "country" in line)
    [row] = sink.store.rows(
        "SELECT site_id, event, toUnixTimestamp64Milli(ts), toUnixTimestamp64Milli(received_at), visitor_id, country,"
        f" toString(revenue), currency, properties, bot FROM events WHERE event_id = '{chosen['event_id']}'"
    )
    assert row[:6] == [str(chosen[k]) for k in ("site_id", "event", "ts", "received_at", "visitor_id", "country")]
    assert float(row[6]) == pytest.approx(chosen["revenue"], abs=0.00005)
    assert row[7:] == [chosen["currency"], chosen["properties"], str(chosen["bot"]).lower()]


def test_a_lone_event_is_found_without_others_after_it(sink: Sink, log: Log) -> None:
    sink.settings["PULSE_SINK_WAIT_MS"] = "500"
    sink.start()
    _all_stored(sink, log.write(events(1, 10)))
    for seed in range(2, 7):
        [id] = log.write(events(seed, 1))
        eventually(lambda id=id: sink.store.events(f"event_id = '{id}'"))  # type: ignore[misc]


def test_ten_kills_while_records_flow(sink: Sink, log: Log) -> None:
    chance, ids, ended = random.Random(5), [], threading.Event()

    def write() -> None:
        for seed in range(10_000):
            ids.extend(log.write(events(seed, 100), size=chance.choice([1, 7, 100])))
            if ended.wait(0.05):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            sink.start()
            before = sink.store.events()
            eventually(lambda before=before: sink.store.events() > before, every=0.01)  # type: ignore[misc]
            time.sleep(chance.random() * 0.5)
            sink.kill()
    finally:
        ended.set()
        writer.join()
    sink.start()
    _all_stored(sink, ids)


def test_clickhouse_is_killed_while_records_flow(sink: Sink, log: Log, warehouse: Service) -> None:
    sink.start()
    ids = log.write(events(1, 500))
    for seed in range(2, 5):
        ids += log.write(events(seed, 500), size=5)
        warehouse.kill()
        ids += log.write(events(seed + 10, 500), size=5)
        eventually(lambda: _readiness(sink)["clickhouse"] != "ok")
        eventually(lambda: _meter(sink, "pulse_sink_lag") >= 100)
        warehouse.start()
        _all_stored(sink, ids)
    eventually(lambda: _readiness(sink) == {"kafka": "ok", "clickhouse": "ok"})
    eventually(lambda: _meter(sink, "pulse_sink_lag") == 0)


def test_kafka_is_killed_while_records_flow(sink: Sink, log: Log, broker: Service) -> None:
    sink.start()
    ids = log.write(events(1, 500), size=5)
    eventually(lambda: sink.store.events() > 0)
    broker.kill()
    eventually(lambda: _readiness(sink)["kafka"] != "ok")
    broker.start()
    ids += log.write(events(2, 500), size=5)
    _all_stored(sink, ids)
    eventually(lambda: _readiness(sink) == {"kafka": "ok", "clickhouse": "ok"})
    assert len(sink.log.splitlines()) < 100


def test_the_sink_starts_before_clickhouse(sink: Sink, log: Log, warehouse: Service) -> None:
    warehouse.kill()
    sink.start()
    ids = log.write(events(1, 100))
    eventually(lambda: "does not answer" in _readiness(sink)["clickhouse"])
    warehouse.start()
    _all_stored(sink, ids)


def test_a_wrong_committed_offset_changes_nothing(sink: Sink, log: Log) -> None:
    sink.start()
    ids = log.write(events(1, 1_000))
    _all_stored(sink, ids)
    assert sink.stop() == 0
    for move in (lambda _: 0, lambda at: at // 2, lambda at: at + 1_000_000):
        for topic in (topics.EVENTS, topics.METRICS):
            commit(sink.kafka, topic, move)
        sink.start()
        ids += log.write(events(len(ids), 200))
        _all_stored(sink, ids)
        sink.stop()


def test_an_emptied_clickhouse_is_filled_again(sink: Sink, log: Log) -> None:
    sink.start()
    ids = log.write(events(1, 1_000))
    _all_stored(sink, ids)
    sink.stop()
    _empty(sink)
    sink.start()
    _all_stored(sink, ids)
    _empty(sink)
    time.sleep(1.1)
    ids += log.write(events(2, 10))
    _all_stored(sink, ids)


def _empty(sink: Sink) -> None:
    client = Client(sink.clickhouse)
    client.command("DROP DATABASE {database:Identifier} SYNC", {"database": client.database})
    migrate(client)


def test_a_store_restored_from_yesterday_gets_what_it_lacks(sink: Sink, log: Log) -> None:
    sink.start()
    old = log.write(events(1, 500))
    _all_stored(sink, old)
    sink.stop()
    client = Client(sink.clickhouse)
    for table in ("events", "metrics_minute"):
        client.command(f"CREATE TABLE saved_{table} AS {table}")
        client.command(f"INSERT INTO saved_{table} SELECT * FROM {table}")
    sink.start()
    ids = old + log.write(events(2, 500))
    _all_stored(sink, ids)
    sink.stop()
    for table in ("events", "metrics_minute"):
        client.command(f"EXCHANGE TABLES {table} AND saved_{table}")
    assert sink.store.distinct() == 500
    sink.start()
    _all_stored(sink, ids)


def test_repeated_places_change_nothing(sink: Sink, log: Log) -> None:
    lines = events(1, 600)
    parts = [lines[begin : begin + 100] for begin in range(0, 600, 100)]
    for offset in (0, 1, 2, 1, 2, 3, 0, 1, 2, 3, 4, 5, 5):
        log.put(parts[offset], Place(log.id, 0, offset))
    log.offsets[0] = len(parts)
    log.flush()
    sink.start()
    ids = [line["event_id"] for line in lines]
    _all_stored(sink, ids)
    skipped = _meter(sink, "pulse_sink_skipped_total")
    log.put(parts[3], Place(log.id, 0, 3))
    log.flush()
    eventually(lambda: _meter(sink, "pulse_sink_skipped_total") > skipped)
    sink.stop()
    log.put(parts[4], Place(log.id, 0, 4))
    sink.start()
    ids += log.write(events(2, 100))
    _all_stored(sink, ids)


def test_a_new_log_over_old_data(sink: Sink, log: Log) -> None:
    sink.start()
    ids = log.write(events(1, 1_000))
    _all_stored(sink, ids)
    assert sink.running is not None
    delete_topics(sink.kafka)
    sink.prepare()
    new = Log(sink.kafka)
    ids += new.write(events(2, 3_000))
    assert eventually(sink.running.process.poll) == 1
    assert "made anew" in sink.log
    sink.start()
    _all_stored(sink, ids)


def test_records_of_several_months(sink: Sink, log: Log) -> None:
    months = [events(month, 100, NOW_MS - month * 31 * DAY_MS) for month in range(4)]
    mixed = [line for four in zip(*months, strict=True) for line in four]
    ids = log.write(mixed, size=40)
    sink.start()
    _all_stored(sink, ids)
    sink.kill()
    commit(sink.kafka, topics.EVENTS, lambda _: 0)
    commit(sink.kafka, topics.METRICS, lambda _: 0)
    sink.start()
    ids += log.write(events(9, 100))
    _all_stored(sink, ids)


def test_what_cannot_be_stored_is_kept_and_the_rest_goes_on(sink: Sink, log: Log) -> None:
    client = Client(sink.clickhouse)
    client.command("ALTER TABLE events ADD CONSTRAINT no_poison CHECK event != 'poison'")
    good = events(1, 300)
    month_ago = events(2, 20, NOW_MS - 31 * DAY_MS)
    poison = [line | {"event": "poison"} for line in (*events(3, 7), *events(4, 2, NOW_MS - 31 * DAY_MS))]
    mixed = lines_of([*good[:150], *poison, *month_ago, *good[150:]])
    broken = (
        b'{"event": \n' + b"null\n" + b'{"event_id":"no uuid","event":"x","site_id":"one","ts":1}\n' + b"\xff\xfe\n"
    )
    no_time = lines_of([{k: v for k, v in events(5, 1)[0].items() if k != "ts"}])
    log.send(topics.EVENTS, 0, mixed + broken, Place(log.id, 0, 0))
    log.send(topics.EVENTS, 1, no_time + lines_of(events(6, 30)), Place(log.id, 1, 0))
    log.send(topics.EVENTS, 2, lines_of(events(7, 3)), None)
    log.offsets = {0: 1, 1: 1, 2: 1}
    log.flush()
    ids = [line["event_id"] for line in (*good, *month_ago, *events(6, 30))]
    for _ in range(3):
        sink.start()
        eventually(lambda: sink.store.number("SELECT count() FROM events_rejected") == 17)
        eventually(lambda: sink.store.events() == len(ids))
        sink.kill()
        commit(sink.kafka, topics.EVENTS, lambda _: 0)
    sink.start()
    more = log.write(events(8, 30))
    eventually(lambda: sink.store.events() == len(ids) + len(more))
    assert set(sink.store.ids()) == {*ids, *more}
    assert sink.store.number("SELECT count() FROM events_rejected") == 17
    assert sink.store.rows("SELECT DISTINCT reason FROM events_rejected") == [["unstorable"]]
    kept = {row[0] for row in sink.store.rows("SELECT event_id FROM events_rejected WHERE _stage LIKE 'events-%'")}
    assert kept == {line["event_id"] for line in poison}


def test_refused_lines_are_stored_once(sink: Sink, log: Log) -> None:
    refused = json.encode({"site_id": "one", "reason": "invalid", "field": "ts", "received_at": NOW_MS, "line": "{}"})
    for offset in (0, 1, 1, 2, 0):
        log.send(topics.REJECTED, 1, refused + b"\n" + refused + b"\n", Place(log.id, 1, offset))
    log.flush()
    for _ in range(2):
        sink.start()
        eventually(lambda: sink.store.number("SELECT count() FROM events_rejected") == 6)
        sink.stop()
        commit(sink.kafka, topics.REJECTED, lambda _: 0)


def test_what_the_control_plane_saves_is_mirrored(sink: Sink, log: Log) -> None:
    def save(key: bytes, value: bytes) -> None:
        log.send(topics.CONFIG, 0, value, None, key)
        log.flush()

    def mirrored() -> list[list[str]]:
        return sink.store.rows(
            f"SELECT kind, id, value FROM {Client(sink.clickhouse).database}_analytics.config ORDER BY id"
        )

    sink.start()
    for value in (b'{"name":"a"}', b'{"name":"b"}', b'{"name":"a"}'):
        save(b"site:1", value)
        eventually(lambda value=value: mirrored() == [["site", "1", value.decode()]])  # type: ignore[misc]
    save(b"site:2", b"{}")
    save(b"key:9", b'{"secret":1}')
    eventually(lambda: [row[1] for row in mirrored()] == ["1", "2"])
    save(b"site:1", b"")
    eventually(lambda: [row[1] for row in mirrored()] == ["2"])


def test_a_stop_stores_what_is_gathered(sink: Sink, log: Log) -> None:
    # on a busy machine the store may answer late: then what was gathered is left for whoever comes next
    sink.settings |= {"PULSE_SINK_WAIT_MS": "10000", "PULSE_SESSION_TIMEOUT_MS": "60000"}
    sink.start()
    ids = log.write(events(1, 500))
    eventually(lambda: "begun" in sink.log)
    eventually(lambda: _meter(sink, "process_cpu_seconds_total") and _gathering(sink))
    assert sink.stop() == 0
    assert_exact(sink.store, ids)
    assert _lag(sink.kafka) == 0


def _gathering(sink: Sink) -> bool:
    assert sink.store.events() == 0, "the block was to be still open"
    time.sleep(1)
    return True


def _lag(servers: str) -> int:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": GROUP})
    try:
        all_ = [
            TopicPartition(topic, p) for topic in TOPICS for p in range(PARTITIONS if topic != topics.CONFIG else 1)
        ]
        ends = {(at.topic, at.partition): consumer.get_watermark_offsets(at, timeout=60)[1] for at in all_}
        return sum(ends[at.topic, at.partition] - max(at.offset, 0) for at in consumer.committed(all_, timeout=60))
    finally:
        consumer.close()


def test_another_process_of_the_same_name_ends_the_first(sink: Sink, log: Log, tmp_path: Path) -> None:
    sink.start()
    ids = log.write(events(1, 200))
    _all_stored(sink, ids)
    other = Sink(tmp_path / "other", sink.kafka, sink.clickhouse)
    other.start()
    try:
        assert sink.running is not None
        assert eventually(sink.running.process.poll) == 1
        ids += log.write(events(2, 200))
        _all_stored(other, ids)
    finally:
        other.kill()


def test_two_sinks_share_the_partitions(sink: Sink, log: Log, tmp_path: Path) -> None:
    other = Sink(tmp_path / "other", sink.kafka, sink.clickhouse, {"PULSE_INSTANCE": "other"})
    sink.start()
    ids = log.write(events(1, 500))
    _all_stored(sink, ids)
    other.start()
    try:
        for seed in range(2, 12):
            ids += log.write(events(seed, 300), size=10)
        _all_stored(sink, ids)
        eventually(lambda: _meter(other, "pulse_sink_beginnings_total") > 0)
        sink.kill()
        ids += log.write(events(20, 300), size=10)
        _all_stored(other, ids)
    finally:
        other.kill()
