"""A client of ClickHouse: closed, be it while it is being connected, and of a store that lacks some settings."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from clickhouse.client import Client
from pulse.errors import Unavailable
from tests.eventually import eventually


class Door:
    """Stands before a ClickHouse, and lets nobody in until it is opened."""

    def __init__(self, url: str) -> None:
        self.opens, self.inside = Event(), 0
        to = urlsplit(url)
        self._to = to.hostname, to.port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}{to.path}"
        self.knocked = Event()
        Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        self.opens.set()
        self._listening.close()

    def _let_in(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            self.knocked.set()
            Thread(target=self._lead, args=(caller,), daemon=True).start()

    def _lead(self, caller: socket.socket) -> None:
        self.opens.wait()
        with caller, socket.create_connection(self._to) as store:
            self.inside += 1
            back = Thread(target=_carry, args=(store, caller), daemon=True)
            back.start()
            _carry(caller, store)
            back.join()
        self.inside -= 1


def _carry(come: socket.socket, go: socket.socket) -> None:
    try:
        while some := come.recv(65_536):
            go.sendall(some)
        go.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def door_of(url: str) -> Iterator[Door]:
    door = Door(url)
    try:
        yield door
    finally:
        door.close()


def test_closing_waits_for_no_connection_that_is_being_made_and_gives_it_back(clickhouse: str) -> None:
    with door_of(clickhouse) as door, ThreadPoolExecutor(2) as pool:
        client = Client(door.url)
        asking = pool.submit(client.ping)
        assert door.knocked.wait(30)
        pool.submit(client.close).result(10)
        door.opens.set()
        with pytest.raises(Unavailable):
            asking.result(30)
        eventually(lambda: door.inside == 0)


def test_a_client_that_was_closed_connects_anew(clickhouse: str) -> None:
    client = Client(clickhouse)
    for _ in range(2):
        client.ping()
        client.close()


def test_settings_that_only_make_an_answer_faster_are_left_out_where_the_store_has_none_such(clickhouse: str) -> None:
    client = Client(clickhouse)
    known = client.known({"enable_adaptive_aggregator": 0, "of_some_other_version": 1})
    assert known == {"enable_adaptive_aggregator": 0}
    assert client.ask("SELECT 1", None, **known).rows == [(1,)]
