"""The sink on the embedded log, which is a new one each time it starts."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import services
from tests.eventually import eventually
from tests.exact import assert_exact
from tests.services import Service
from tests.storing import Log, Sink, events

pytestmark = [pytest.mark.kafka]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Service]:
    service = services.embedded_kafka(tmp_path / "kafka")
    service.start()
    yield service
    service.kill()


@pytest.fixture
def sink(broker: Service, clickhouse: str, tmp_path: Path) -> Iterator[Sink]:
    sink = Sink(tmp_path, broker.url, clickhouse)
    sink.prepare()
    sink.start()
    yield sink
    sink.kill()


def test_a_replaced_log_is_not_mistaken_for_the_old(sink: Sink, broker: Service) -> None:
    ids = Log(broker.url).write(events(1, 500))
    eventually(lambda: sink.store.events() == 500)
    eventually(lambda: sink.store.differing_minutes() == 0)
    assert sink.running is not None
    broker.kill()
    broker.start()
    sink.prepare()
    ids += Log(broker.url).write(events(2, 2_000))
    assert eventually(sink.running.process.poll) == 1
    assert "made anew" in sink.log
    sink.start()
    eventually(lambda: sink.store.events() == 2_500)
    eventually(lambda: sink.store.differing_minutes() == 0)
    assert_exact(sink.store, ids)


def test_it_is_small_when_there_is_nothing_to_do(sink: Sink, broker: Service) -> None:
    Log(broker.url).write(events(1, 100))
    eventually(lambda: sink.store.events() == 100)
    assert sink.running is not None
    process = psutil.Process(sink.running.pid)
    assert process.memory_info().rss < 250_000_000
