"""What a supervisor that was killed has left running and does not end when asked to: it is gone before anything starts."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import port, process
from deploy.local.process import Running
from deploy.local.up import folder
from pulse import started
from pulse.diagnosis.network import is_free
from pulse.errors import PulseError
from pulse.started import Started
from tests.eventually import eventually

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
LISTENING = DEAF + (
    "import socket, sys; held = bytearray(200_000_000); held[::4096] = b'x' * len(held[::4096]); "
    "at = socket.create_server(('127.0.0.1', int(sys.argv[1]))); signal.pause()"
)
PARENT = DEAF + "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


@pytest.fixture
def at() -> int:
    """The port that is listened on."""
    return port.free()


@pytest.fixture
def left(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A process that is deaf to SIGTERM, and whose child, which is deaf too, listens on the port."""
    monkeypatch.setattr("deploy.local.up.folder.PATIENCE_S", 0.3)
    running = process.spawn("thing", [sys.executable, "-c", PARENT, LISTENING, str(at)], tmp_path / "log")
    try:
        eventually(lambda: not is_free("127.0.0.1", at))
        yield running
    finally:
        running.kill()


def state(left: Running) -> Started:
    noted = started.identify(left.pid)
    return Started(up=noted, phase="ready", processes={"thing": noted})


def test_what_is_deaf_is_killed_with_what_it_started_and_gone_with_its_ports(
    left: Running, at: int, tmp_path: Path
) -> None:
    told: list[str] = []
    folder.clear(tmp_path, state(left), told.append)
    port.demand(at, "the thing", "set another")
    assert told == [
        "ending what an earlier start has left running: thing",
        "not ended after 0.3 s, and now made to: thing",
    ]


def test_what_does_not_even_end_when_killed_is_said_with_its_id(
    left: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.up.folder.KILLED_S", 0.3)
    monkeypatch.setattr(psutil.Process, "kill", lambda _: None)
    with pytest.raises(PulseError, match=rf"^thing \(process {left.pid}\), thing \(process \d+\) of an earlier start"):
        folder.clear(tmp_path, state(left), lambda _: None)
