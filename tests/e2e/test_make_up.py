"""`make up` as a user meets it: the commands that it prints work word for word, and nothing is lost when it stops."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from msgspec import json

from deploy.local import port
from pulse import started
from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
PORTS = (
    "KAFKA",
    "KAFKA_CONTROLLER",
    "CLICKHOUSE",
    "CLICKHOUSE_NATIVE",
    "REDIS",
    "COLLECTOR",
    "QUERY",
    "STREAMS",
    "SINK",
    "LIVE",
    "ALERTS",
    "DELIVERY",
)
READY = "stops everything; nothing that was answered with 2xx is lost."
START_S = 240


@dataclass
class Terminal:
    """Where a user types `make up`, with a data folder and ports of its own."""

    data: Path
    log: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    family: list[psutil.Process] = field(default_factory=list)

    def up(self, *words: str) -> None:
        """Type `make up`; what is still on the screen goes away."""
        self.log.write_text("")
        self.process = self.spawn(*words)

    def spawn(self, *words: str) -> "subprocess.Popen[bytes]":
        """The supervisor as the leader of its own process group, as a shell starts it."""
        with self.log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "deploy.local.up", *words],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """What stands on the screen."""
        return self.log.read_text()

    def ready(self) -> None:
        """Wait for the end of its start; a supervisor that ended shows why."""
        eventually(lambda: READY in self.said() or self.ended(), within=START_S)
        assert READY in self.said(), self.said()
        assert self.process
        self.family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def interrupt(self, within: float = 90) -> int:
        """Press Ctrl-C, which goes to the whole foreground group; the exit code."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(within)

    def left(self) -> list[psutil.Process]:
        """Processes of the last start that still run."""
        return [each for each in self.family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def printed(self, pattern: str) -> str:
        """The one line on the screen that begins like this."""
        found = re.findall(rf"^{pattern}.*$", self.said(), re.MULTILINE)
        assert len(found) == 1, self.said()
        line: str = found[0]
        return line

    def run(self, line: str) -> str:
        """Paste a line into another shell; what it prints."""
        done = subprocess.run(line, shell=True, cwd="/", capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def send(self) -> bool:
        """Paste the first command; whether it was accepted."""
        accepted: int = json.decode(self.run(self.printed("curl -sS -X POST")))["accepted"]
        return accepted == 1

    def counted(self) -> int:
        """Paste the second command; the count that it shows."""
        answer = json.decode(self.run(self.printed("curl -sS '")))
        count: int = answer["data"]["value"]
        return count

    def kill(self, name: str) -> None:
        """End a part at once."""
        found = started.read(self.data)
        assert found
        os.kill(found.processes[name].pid, signal.SIGKILL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal; whatever was started in it ends with the test."""
    environment = {f"PULSE_{name}_PORT": str(port.free()) for name in PORTS} | {"PULSE_DATA": str(tmp_path / "data")}
    made = Terminal(tmp_path / "data", tmp_path / "screen", environment)
    yield made
    if made.process:
        with suppress(psutil.NoSuchProcess):
            made.family += psutil.Process(made.process.pid).children(recursive=True)
        made.process.kill()
        made.process.wait()
    for each in made.left():
        with suppress(psutil.NoSuchProcess):
            each.kill()


def test_from_nothing_to_a_counted_event_and_again_after_a_restart(terminal: Terminal) -> None:
    terminal.up()
    terminal.ready()
    assert "its log is kept in memory only" in terminal.said()
    assert terminal.send()
    eventually(lambda: terminal.counted() == 1)
    assert "page_view" in terminal.run(terminal.printed(r"PULSE_DATA=\S* \S*"))
    for _ in range(20):
        assert terminal.send()
    assert terminal.interrupt() == 0
    assert terminal.left() == []
    assert started.read(terminal.data) is None

    terminal.up()
    terminal.ready()
    assert terminal.counted() == 21
    resident = sum(each.memory_info().rss for each in terminal.family)
    assert resident < 1.5 * 2**30
    assert terminal.interrupt() == 0


def test_what_was_accepted_while_it_was_being_stopped_is_stored(terminal: Terminal) -> None:
    terminal.up()
    terminal.ready()
    with ThreadPoolExecutor(4) as clients:
        accepted = [clients.submit(pour, terminal, number) for number in range(4)]
        eventually(lambda: terminal.counted() > 2_000, every=0.5)
        assert terminal.interrupt() == 0
        total = sum(each.result() for each in accepted)
    assert total > 0
    terminal.up()
    terminal.ready()
    assert terminal.counted() == total
    assert terminal.interrupt() == 0


def pour(terminal: Terminal, number: int) -> int:
    """Send requests of 200 events as fast as it goes until there is no collector; how many events were accepted."""
    command = shlex.split(terminal.printed("curl -sS -X POST"))
    url, key = command[4], command[6].removeprefix("Authorization: ")
    body = json.encode([{"event": "pour", "visitor_id": f"{number}-{n}"} for n in range(200)])
    headers = {"authorization": key, "content-type": "application/json"}
    accepted = 0
    with httpx.Client(headers=headers, timeout=30) as http, suppress(httpx.TransportError):
        while (answer := http.post(url, content=body)).status_code == httpx.codes.ACCEPTED:
            accepted += answer.json()["accepted"]
    return accepted


def test_what_dies_comes_back_and_what_was_killed_leaves_nothing(terminal: Terminal) -> None:
    terminal.up()
    terminal.ready()
    for name in ("collector", "sink", "ClickHouse"):
        terminal.kill(name)
        eventually(lambda name=name: f"{name} runs again" in terminal.said())  # type: ignore[misc]
    eventually(terminal.send, every=1)
    eventually(lambda: terminal.counted() == 1, every=1)

    terminal.kill("Kafka")
    eventually(lambda: "streams was started anew" in terminal.said())
    assert "events that were not stored yet are lost" in terminal.said()
    eventually(terminal.send, every=1)
    eventually(lambda: terminal.counted() >= 2, every=1)

    assert terminal.process
    terminal.process.kill()
    eventually(lambda: terminal.left() == [])
    terminal.up()
    terminal.ready()
    eventually(lambda: terminal.counted() >= 2)
    assert terminal.interrupt() == 0


def test_a_second_one_on_the_same_data_says_so_and_down_stops_the_first(terminal: Terminal) -> None:
    terminal.up()
    terminal.ready()
    assert terminal.process
    pulse = f"PYTHONPATH={ROOT} PULSE_DATA={terminal.data} {sys.executable} -P -m"
    refused = f"Pulse already runs on {terminal.data}, as process {terminal.process.pid}: `make status` shows it, `make down` stops it\n"
    assert terminal.run(f"{pulse} deploy.local.up || test $? = 1") == refused
    assert terminal.send()
    kept = terminal.data / started.CLICKHOUSE_PASSWORD
    assert kept.stat().st_mode & 0o777 == 0o600
    password = kept.read_text().strip()
    assert password not in terminal.said() + (terminal.data / started.FILE).read_text()
    assert terminal.run(f"{pulse} pulse.command.main sql 'SELECT currentUser()'") == "pulse\n"
    assert json.decode(terminal.run(f"{pulse} pulse.command.main status --json"))["faults"] == []
    store = f"http://127.0.0.1:{terminal.environment['PULSE_CLICKHOUSE_PORT']}"
    assert httpx.post(store, content="SELECT 1").is_error
    assert terminal.run(f"{pulse} pulse.command.main down").endswith("stopped\n")
    assert terminal.process.wait(60) == 0
    assert terminal.left() == []
    assert terminal.run(f"{pulse} pulse.command.main down") == f"nothing runs on {terminal.data}\n"


@pytest.mark.native
def test_with_apache_kafka_it_goes_on_in_the_same_log(terminal: Terminal) -> None:
    for expected in (1, 2):
        terminal.up("--services", "native", "--workers", "2")
        terminal.ready()
        assert "in memory only" not in terminal.said()
        assert terminal.send()
        eventually(lambda expected=expected: terminal.counted() == expected)  # type: ignore[misc]
        assert terminal.interrupt() == 0
        assert terminal.left() == []


def test_a_port_in_use_is_one_sentence(terminal: Terminal) -> None:
    taken = int(terminal.environment["PULSE_QUERY_PORT"])
    with closing(socket.create_server(("127.0.0.1", taken))):
        terminal.up()
        assert terminal.process
        assert terminal.process.wait(90) == 1
    last = terminal.said().splitlines()[-1]
    expected = f"port {taken}, on which the query API should listen, is taken: stop the program that uses it or set PULSE_QUERY_PORT to another port"
    assert last == expected
    assert started.read(terminal.data) is None


def test_stopping_in_the_middle_of_the_start_leaves_nothing(terminal: Terminal) -> None:
    terminal.up()
    eventually(lambda: "ClickHouse: ready" in terminal.said() or terminal.ended())
    assert terminal.process
    terminal.family = [
        psutil.Process(terminal.process.pid),
        *psutil.Process(terminal.process.pid).children(recursive=True),
    ]
    assert terminal.interrupt() == 0
    assert terminal.left() == []
