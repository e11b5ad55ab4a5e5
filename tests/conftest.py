"""Real backing services for the tests: by URL where one is given, in containers where Docker runs, else as processes.

A service that cannot start fails the tests that want it; none is ever skipped.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
import httpx._transports.default as transports
import pytest
from hypothesis import HealthCheck, settings

from deploy.local import port
from pulse.analyst.rule import analytics_of
from tests import services as service
from tests.product import Product
from tests.services import Service

MARKS = {
    "clickhouse_url": ("clickhouse",),
    "kafka": ("kafka",),
    "apache_kafka": ("native",),
    "redis_url": ("redis",),
    "product": ("clickhouse", "native", "redis"),
}

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes that run tests ports of its own: a service that is away keeps its address.

    Kafka runs for a minute here and there, so Java compiles it once and quickly. A client of HTTP reads all certificates when
    it is made, which takes longer than most of what it is asked: those of a process share them.
    """
    transports.create_ssl_context = cache(httpx.create_ssl_context)  # type: ignore[attr-defined]
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        port.BELOW_EPHEMERAL = port.BELOW_EPHEMERAL[number::count]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the services whose fixtures it uses, so that `-m 'not native'` leaves out what is slow to get."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            for mark in MARKS.get(fixture, ()):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def services_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run's backing services."""
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a port that nothing listens on."""
    return port.free


@pytest.fixture(scope="session")
def kafka(services_folder: Path) -> Iterator[str]:
    """``host:port`` of a broker of the Kafka protocol, its log in memory."""
    yield from _serve("PULSE_TEST_KAFKA", lambda: service.embedded_kafka(services_folder / "tansu"))


@pytest.fixture(scope="session")
def apache_kafka(services_folder: Path) -> Iterator[str]:
    """``host:port`` of an Apache Kafka."""
    yield from _serve("PULSE_TEST_APACHE_KAFKA", lambda: service.kafka(services_folder / "kafka"))


@pytest.fixture(scope="session")
def clickhouse_url(services_folder: Path) -> Iterator[str]:
    """``http://host:port`` of a ClickHouse."""
    yield from _serve("PULSE_TEST_CLICKHOUSE", lambda: service.clickhouse(services_folder / "clickhouse"))


@pytest.fixture
def clickhouse(clickhouse_url: str) -> Iterator[str]:
    """``http://host:port/database`` of a fresh database, dropped after the test, as is that of its views."""
    yield from _fresh(clickhouse_url)


@pytest.fixture(scope="module")
def clickhouse_of_module(clickhouse_url: str) -> Iterator[str]:
    """The same, one for all tests of a module: for data that none of them changes."""
    yield from _fresh(clickhouse_url)


def _fresh(clickhouse_url: str) -> Iterator[str]:
    database = f"test_{uuid4().hex[:12]}"
    httpx.post(clickhouse_url, content=f"CREATE DATABASE {database}").raise_for_status()
    yield f"{clickhouse_url}/{database}"
    for made in (database, analytics_of(database)):  # the dictionary in the former reads a view of the latter
        httpx.post(clickhouse_url, content=f"DROP DATABASE IF EXISTS {made} SYNC").raise_for_status()


@pytest.fixture(scope="session")
def redis_url(services_folder: Path) -> Iterator[str]:
    """``redis://host:port/0`` of a Redis or Valkey."""
    yield from _serve("PULSE_TEST_REDIS", lambda: service.redis(services_folder / "redis"))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product on services of its own, on Apache Kafka; its parts may be killed. One for each module."""
    running = Product.begin(tmp_path_factory.mktemp("product"))
    yield running
    running.end()


def _serve(variable: str, make: Callable[[], Service]) -> Iterator[str]:
    given = os.environ.get(variable)
    if given:
        yield given.rstrip("/")
        return
    made = make()
    made.start()
    yield made.url
    made.stop()
