"""A process that its group does not let in, though Kafka answers: it joins anew, says so, and goes on once there is room."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer

from clickhouse.sink.reader import GROUP as SINK
from pulse.topics import EVENTS, METRICS
from streams.alerts.reader import GROUP as ALERTING
from streams.recordings.run import GROUP as RECORDINGS
from tests import services
from tests.alerting import Alerts
from tests.eventually import eventually
from tests.recordings import Recorder
from tests.services import Service
from tests.storing import Log, Sink, delete_topics, events

pytestmark = [pytest.mark.native, pytest.mark.slow]

SESSION = {"PULSE_SESSION_TIMEOUT_MS": "1000"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = services.kafka(tmp_path_factory.mktemp("kafka"))
    service.start()
    yield service
    service.kill()


@pytest.fixture
def sink(broker: Service, clickhouse: str, tmp_path: Path) -> Iterator[Sink]:
    delete_topics(broker.url)
    made = Sink(tmp_path, broker.url, clickhouse, dict(SESSION))
    made.prepare()
    yield made
    if made.running:
        made.kill()


class Idler:
    """A member of a group that tells it that it lives, and never hears that another wants to join."""

    def __init__(self, kafka: str, group: str, topic: str) -> None:
        settings: dict[str, Any] = {"bootstrap.servers": kafka, "group.id": group, "max.poll.interval.ms": 3_600_000}
        self._consumer = Consumer(settings)
        self._consumer.subscribe([topic])
        eventually(lambda: self._consumer.poll(0.2) or self._consumer.assignment(), within=60)

    def end(self) -> None:
        self._consumer.close()


def test_the_sink_joins_anew_and_stores_once_it_is_let_in(sink: Sink) -> None:
    idler = Idler(sink.kafka, SINK, EVENTS)
    ids = Log(sink.kafka).write(events(1, 50))
    sink.start()
    eventually(lambda: "joining Kafka anew: outside of its group for" in sink.log)
    idler.end()
    eventually(lambda: sink.store.events() == len(ids))


def test_the_alerts_join_anew_and_begin_once_they_are_let_in(sink: Sink, tmp_path: Path) -> None:
    idler = Idler(sink.kafka, ALERTING, METRICS)
    alerts = Alerts(tmp_path, sink.kafka, sink.clickhouse, dict(SESSION))
    alerts.start()
    try:
        eventually(lambda: "joining Kafka anew: outside of its group for" in (tmp_path / "alerts.log").read_text())
        assert not alerts.is_ready()
        idler.end()
        eventually(alerts.is_ready)
    finally:
        alerts.kill()


def test_recordings_end_to_be_started_anew(sink: Sink, tmp_path: Path) -> None:
    idler = Idler(sink.kafka, RECORDINGS, EVENTS)
    recorder = Recorder(tmp_path, sink.kafka, dict(SESSION))
    recorder.start()
    assert recorder.running is not None
    assert eventually(recorder.running.process.poll) == 1
    assert "outside of its group for" in recorder.log.read_text()
    idler.end()
