"""Services that component tests alone want."""

import os
from collections.abc import Iterator

import pytest

from clickhouse.client import Client
from tests import postgres
from tests.migrated import migrate
from tests.served import broker, log, sink, store

__all__ = ["broker", "log", "sink", "store"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """``postgresql://…`` of a PostgreSQL."""
    given = os.environ.get("PULSE_TEST_POSTGRES")
    if given:
        yield given
    else:
        with postgres.serving() as url:
            yield url


@pytest.fixture
def migrated(clickhouse: str) -> Iterator[Client]:
    """A client of a fresh database with all tables."""
    made = Client(clickhouse)
    migrate(made)
    yield made
    made.close()
