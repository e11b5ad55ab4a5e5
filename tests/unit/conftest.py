"""Unit tests are of pure functions: none may open a connection."""

import socket

import pytest


class Connected(AssertionError):
    """A unit test reached for the network."""


@pytest.fixture(autouse=True)
def _no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX:
            real(self, address)  # type: ignore[arg-type]
            return
        raise Connected(f"a unit test connects to {address}: put it among the component tests")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
