"""A sink whose topics are made anew under it before it has heard of that: nothing of the new log is taken for stored."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from clickhouse.client import Client
from clickhouse.sink import identity
from clickhouse.sink.identity import Identity, ReplacedError
from clickhouse.sink.reader import TOPICS
from clickhouse.sink.run import Sink as Running
from pulse.settings import Settings
from tests.eventually import eventually
from tests.exact import assert_exact
from tests.storing import Log, Sink, delete_topics, events


@pytest.fixture
def unaware(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by the way whether the topics are the same."""
    monkeypatch.setattr(identity, "EVERY_S", 3600.0)


def started(sink: Sink, stop: Event, pool: ThreadPoolExecutor) -> "Future[None]":
    """The sink in this process."""
    settings = Settings(kafka_url=sink.kafka, sink_wait_ms=100, session_timeout_ms=6000, instance="test")
    known = Identity(sink.kafka, TOPICS)
    known.begin()
    return pool.submit(Running(settings, [Client(sink.clickhouse)], known, stop).run)


def all_stored(sink: Sink, ids: list[str]) -> None:
    """Wait until they are, and look that nothing else is."""
    eventually(lambda: sink.store.distinct() == len(ids))
    eventually(lambda: sink.store.differing_minutes() == 0)
    eventually(lambda: sink.store.unbalanced() == 0)
    assert_exact(sink.store, ids)


@pytest.mark.usefixtures("unaware")
def test_a_new_log_is_not_read_on_where_the_old_one_ended(
    apache_kafka: str, clickhouse: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    delete_topics(apache_kafka)
    sink, stop = Sink(tmp_path, apache_kafka, clickhouse), Event()
    sink.prepare()
    ids = Log(sink.kafka).write(events(1, 1_000))
    sink.start()
    all_stored(sink, ids)
    assert sink.stop() == 0
    caplog.set_level("DEBUG", "clickhouse.sink.run")
    with ThreadPoolExecutor(1) as pool:
        running = started(sink, stop, pool)
        try:
            eventually(lambda: "stored" in caplog.messages)  # it has looked at what was committed, and nothing else
            delete_topics(sink.kafka)
            sink.prepare()
            ids += Log(sink.kafka).write(events(2, 3_000))
            with pytest.raises(ReplacedError):
                running.result(60)
        finally:
            stop.set()
    assert sink.store.distinct() == 1_000
    sink.start()
    all_stored(sink, ids)
    sink.kill()
