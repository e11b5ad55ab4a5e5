"""The streams die, are joined by others, lose their broker or their log: what a consumer applies stays exact."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from clickhouse.client import Client
from pulse.topics import EVENTS, RAW
from tests import services
from tests.eventually import eventually
from tests.migrated import migrate
from tests.services import Service
from tests.streaming import Line, Log, Streams, raw_event

STORED = """
INSERT INTO events (site_id, event, ts, received_at, event_id, visitor_id, _log, _partition, _place)
SELECT
    'shop', 'page_view', received_at, fromUnixTimestamp64Milli({at:Int64}) AS received_at, {id:UUID}, {visitor:String},
    'an older log', 9, 1
"""

Start = Callable[..., Streams]


@pytest.fixture
def start(tmp_path: Path, clickhouse: str) -> Iterator[Start]:
    """Starts workers over a broker: `start(servers, **settings)`."""
    migrate(Client(clickhouse))
    begun: list[Streams] = []

    def begin(servers: str, **settings: str) -> Streams:
        begun.append(Streams(tmp_path, servers, clickhouse, settings))
        begun[-1].start()
        return begun[-1]

    yield begin
    for each in begun:
        each.kill()


class Traffic:
    """Events that are written without pause, one in ten of them again later."""

    def __init__(self, log: Log) -> None:
        self.ids: set[str] = set()
        self.error: Exception | None = None
        self._log = log
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        before: list[Line] = []
        while not self._stopped.wait(0.02):
            events = [raw_event() for _ in range(60)]
            try:
                self.ids |= self._log.send(events + before[::10])
            except Exception as error:
                self.error = error
                return
            before = events

    def stop(self) -> set[str]:
        """Stop, and return the ids of all that was written."""
        self._stopped.set()
        self._thread.join()
        assert self.error is None, self.error
        return self.ids


@contextmanager
def frozen_at_intervals(worker: Streams, frozen_s: float, running_s: float) -> Iterator[None]:
    """Within, a worker is stopped for so long, runs for so long, and so on."""
    assert worker.running is not None
    pid, over = worker.running.process.pid, threading.Event()

    def freeze() -> None:
        while not over.wait(running_s):
            os.kill(pid, signal.SIGSTOP)
            over.wait(frozen_s)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
def test_kill_9_in_mid_stream_loses_and_doubles_nothing(log: Log, start: Start) -> None:
    worker = start(log.servers)
    traffic = Traffic(log)
    for _ in range(2):
        reached = len(log.read(EVENTS))
        eventually(lambda reached=reached: len(log.read(EVENTS)) > reached + 20, 30)  # type: ignore[misc]
        worker.kill()
        worker.start()
    log.assert_exact(traffic.stop(), within=60)


@pytest.mark.slow
def test_one_that_is_frozen_again_and_again_goes_on_all_the_same(log: Log, start: Start) -> None:
    worker = start(log.servers, PULSE_SESSION_TIMEOUT_MS="2000")
    worker.await_ready()
    with frozen_at_intervals(worker, 1.2, 0.2):
        sent = log.send([raw_event() for _ in range(300)])
        eventually(lambda: log.ids().keys() >= sent, 90, every=0.5)
    log.assert_exact(sent)


@pytest.mark.slow
def test_workers_that_come_and_go_share_the_partitions(log: Log, start: Start) -> None:
    start(log.servers)
    traffic = Traffic(log)
    eventually(lambda: log.read(EVENTS))
    second = start(log.servers, PULSE_INSTANCE="second")
    eventually(lambda: second.metric("pulse_stream_records_total") > 0)
    second.kill()
    log.assert_exact(traffic.stop(), within=60)


def test_a_log_that_was_replaced_ends_the_worker_and_is_streamed_from_its_beginning(
    broker: Service, log: Log, start: Start
) -> None:
    worker = start(log.servers)
    old = [raw_event() for _ in range(200)]
    log.assert_exact(log.send(old))
    old_id = log.broker.topic_ids([RAW])[RAW]

    broker.kill()
    broker.start()
    eventually(lambda: "no topic" in str(worker.checks()))
    assert AdminClient({"bootstrap.servers": broker.url}).list_topics(timeout=10).topics == {}
    new = Log(broker.url)
    ids = new.send([raw_event() for _ in range(100)])
    assert worker.exit_code(within=60) == 1
    worker.start()
    new.assert_exact(ids)
    logs = {place.log for place, _ in new.applied(EVENTS)}
    assert logs == {new.broker.topic_ids([RAW])[RAW]}
    assert old_id not in logs


def test_ids_of_an_older_log_are_seen_and_the_store_is_waited_for(log: Log, tmp_path: Path) -> None:
    store = services.clickhouse(tmp_path / "clickhouse")
    store.start()
    old, new = [raw_event() for _ in range(20)], [raw_event() for _ in range(20)]
    client = Client(f"{store.url}/pulse")
    migrate(client)
    for event in old:
        told = {"id": event["event_id"], "at": event["received_at"], "visitor": event["visitor_id"]}
        client.command(STORED, told)
    client.close()
    store.stop()

    worker = Streams(tmp_path, log.servers, f"{store.url}/pulse")
    worker.start()
    log.send(old + new)
    eventually(lambda: "ClickHouse" in worker.checks().get("older_logs", ""))
    assert not log.read(EVENTS)
    store.start()
    log.assert_exact(event["event_id"] for event in new)
    assert worker.metric("pulse_refine_events_duplicate_total") == len(old)
    worker.kill()
    store.stop()


def test_a_stop_comes_to_its_end_even_while_the_broker_is_away(broker: Service, log: Log, start: Start) -> None:
    worker = start(log.servers)
    log.assert_exact(log.send([raw_event() for _ in range(20)]))
    broker.kill()
    eventually(lambda: worker.checks()["kafka"] != "ok")
    assert worker.stop() == 0


@pytest.mark.slow
@pytest.mark.native
def test_a_broker_that_was_away_finds_the_worker_going_on_by_itself(tmp_path: Path, start: Start) -> None:
    kafka = services.kafka(tmp_path / "kafka")
    kafka.start()
    log = Log(kafka.url)
    worker = start(log.servers)
    traffic = Traffic(log)
    eventually(lambda: len(log.read(EVENTS)) > 20)
    kafka.stop()
    stopped = time.monotonic()
    eventually(lambda: worker.checks()["kafka"] != "ok")
    eventually(lambda: time.monotonic() - stopped > 10)
    kafka.start()
    log.assert_exact(traffic.stop(), within=60)
    assert worker.running is not None
    assert worker.running.is_alive()
    assert worker.stop() == 0
    kafka.kill()
