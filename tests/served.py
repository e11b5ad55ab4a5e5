"""Services of one test alone, as fixtures: a broker and a store that may be killed, the log, and the sink between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.services import Service
from tests.storing import Sink
from tests.streaming import Log


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Service]:
    """A broker whose log is kept in memory."""
    made = services.embedded_kafka(tmp_path / "broker")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Service]:
    """A ClickHouse."""
    made = services.clickhouse(tmp_path / "clickhouse")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def log(broker: Service) -> Log:
    """The broker's topics."""
    return Log(broker.url)


@pytest.fixture
def sink(tmp_path: Path, broker: Service, store: Service, log: Log) -> Iterator[Sink]:
    """The sink between them, running."""
    made = Sink(tmp_path, broker.url, f"{store.url}/pulse")
    made.prepare()
    made.start()
    yield made
    made.kill()
