"""A client of ClickHouse that is closed while it is being connected."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import clickhouse_connect
import pytest

from clickhouse.client import Client
from pulse.errors import Unavailable


class Store:
    """A ClickHouse that hangs while it is being connected to, until `goes_on`."""

    def __init__(self) -> None:
        self.asked, self.goes_on, self.let_go = Event(), Event(), Event()

    def connect(self, **_: Any) -> "Store":
        self.asked.set()
        assert self.goes_on.wait(30)
        return self

    def command(self, *_: Any, **__: Any) -> int:
        return 1

    def close(self) -> None:
        self.let_go.set()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    store = Store()
    monkeypatch.setattr(clickhouse_connect, "get_client", store.connect)
    yield store
    store.goes_on.set()


@pytest.fixture
def pool(store: Store) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool
        store.goes_on.set()


def test_closing_waits_for_no_connection_that_is_being_made(store: Store, pool: ThreadPoolExecutor) -> None:
    client = Client("http://127.0.0.1:1/none")
    asking = pool.submit(client.ping)
    assert store.asked.wait(30)
    pool.submit(client.close).result(10)
    store.goes_on.set()
    with pytest.raises(Unavailable):
        asking.result(30)
    assert store.let_go.is_set()


def test_a_client_that_was_closed_connects_anew(store: Store) -> None:
    store.goes_on.set()
    client = Client("http://127.0.0.1:1/none")
    client.ping()
    client.close()
    store.asked.clear()
    client.ping()
    assert store.asked.is_set()
